import type { ObjectStore } from "./object-store.ts";

export interface BucketOptions {
  readonly bucket: string;
  /** The bucket's own, wherever this process runs. */
  readonly region: string;
  /** For a connection to stand, and then for each answer to go on. */
  readonly timeoutMs: number;
}

/**
 * The store in a bucket of Amazon S3, whose signed URLs name bucket and region in their host. Only the credentials are
 * looked for where the AWS SDK finds them. Its code is loaded by the first call.
 */
export async function openBucketStore({ bucket, region, timeoutMs }: BucketOptions): Promise<ObjectStore> {
  const [{ S3Client }, { s3Store }] = await Promise.all([
    import("@aws-sdk/client-s3"),
    import("./s3-store.ts"),
  ]);
  const client = new S3Client({
    region,
    maxAttempts: 2,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { connectionTimeout: timeoutMs, socketTimeout: timeoutMs },
  });
  return s3Store({ client, bucket });
}
