import { afterEach, expect, it, vi } from "vitest";
import { openBucketStore } from "../../../lib/service/storage/index.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

it("a bucket store signs URLs with the bucket and its region in the host, wherever it runs", async () => {
  vi.stubEnv("AWS_ENDPOINT_URL", undefined);
  vi.stubEnv("AWS_ENDPOINT_URL_S3", undefined);
  vi.stubEnv("AWS_REGION", "ap-southeast-2");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "id");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  const store = await openBucketStore({ bucket: "videos-of-acme", region: "eu-central-1", timeoutMs: 1000 });
  const url = new URL(await store.signedUrl("artifacts/a/b.mp4", { expiresInSeconds: 60 }));
  expect(url.host).toBe("videos-of-acme.s3.eu-central-1.amazonaws.com");
  expect(url.pathname).toBe("/artifacts/a/b.mp4");
  expect(url.searchParams.get("X-Amz-Credential")).toMatch(/^id\/\d{8}\/eu-central-1\/s3\/aws4_request$/);
  // A browser sends no other signed headers.
  expect(url.searchParams.get("X-Amz-SignedHeaders")).toBe("host");
});
