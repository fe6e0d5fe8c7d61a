import { S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it, onTestFinished } from "vitest";
import { s3Store } from "../../../lib/service/storage/s3-store.ts";
import { startS3Stub } from "../../s3-stub/s3-stub.ts";

/** Opens a store whose server answers each request with an error. */
async function open(status: number, code: string) {
  const stub = await startS3Stub({ fault: () => ({ status, code }) });
  onTestFinished(() => stub.close());
  const credentials = { accessKeyId: "stub", secretAccessKey: "stub" };
  const client = new S3Client({
    endpoint: stub.url,
    region: "us-east-1",
    forcePathStyle: true,
    credentials,
    maxAttempts: 1,
  });
  return s3Store({ client, bucket: "videos" });
}

const REFUSED =
  "The bucket videos refuses these credentials (XAdminUserNotFound); check them and what they allow.";

describe("errors of an S3 server", () => {
  it("A 404 for unknown credentials is an error, and never a missing object or a lost race.", async () => {
    const store = await open(404, "XAdminUserNotFound");
    const refused = { code: "denied", message: REFUSED };
    await expect(store.get("a")).rejects.toMatchObject(refused);
    await expect(store.put("a", new Uint8Array(), { ifAbsent: true })).rejects.toMatchObject(refused);
    await expect(store.put("a", new Uint8Array(), { ifMatch: '"1"' })).rejects.toMatchObject(refused);
    await expect(store.list("")).rejects.toMatchObject(refused);
    await expect(store.delete("a")).rejects.toMatchObject(refused);
    await expect(store.delete("a", { ifMatch: '"1"' })).rejects.toMatchObject(refused);
    await expect(store.openObject("a")).rejects.toMatchObject(refused);
  });

  it("A 404 that names no object is told as an address that is wrong.", async () => {
    const store = await open(404, "NotOurs");
    await expect(store.get("a")).rejects.toThrow(
      "The server of the bucket videos answers 404 like no S3 server (NotOurs); check its address.",
    );
  });

  it("An error that may pass is told with its status, and not as silence.", async () => {
    const store = await open(503, "SlowDown");
    const message = "The bucket videos answers with an error (503 SlowDown); try again.";
    await expect(store.get("a")).rejects.toMatchObject({ code: "unavailable", message });
  });
});
