import type { ObjectStore } from "./object-store.ts";

export interface BucketOptions {
  readonly bucket: string;
  /** Region of the bucket, which may differ from the region of this process. */
  readonly region: string;
  /** Time limit to connect, and for each silence while an answer arrives. */
  readonly timeoutMs: number;
}

/**
 * Opens the store in a bucket of Amazon S3. Signed URLs name bucket and region in their host. The environment gives the
 * credentials only, as the AWS SDK finds them. The code of the S3 store is loaded by the first call.
 */
export async function openBucketStore({ bucket, region, timeoutMs }: BucketOptions): Promise<ObjectStore> {
  const { s3ClientOf, s3Store } = await import("./s3-store.ts");
  return s3Store({ client: s3ClientOf(region, timeoutMs), bucket });
}
