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
  const { s3ClientOf, s3Store } = await import("./s3-store.ts");
  return s3Store({ client: s3ClientOf(region, timeoutMs), bucket });
}
