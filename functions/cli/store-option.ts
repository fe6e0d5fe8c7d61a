/** Option `--store`, which names the bucket of a deployment. */
export const store = {
  value: "s3://BUCKET",
  text: "bucket of a deployment; by default STORE of the environment",
} as const;
