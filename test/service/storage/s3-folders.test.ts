import { S3Client } from "@aws-sdk/client-s3";
import { expect, onTestFinished, test } from "vitest";
import { s3Store } from "../../../lib/service/storage/s3-store.ts";
import { startS3Stub } from "../../s3-stub/s3-stub.ts";

/** Opens a store whose server says of the first writes that the key is a folder. */
async function open(refusals: number) {
  let left = refusals;
  const stub = await startS3Stub({
    fault: ({ operation }) => {
      if (operation !== "PutObject" || left === 0) return undefined;
      left -= 1;
      return { status: 409, code: "ExistingObjectIsDirectory" };
    },
  });
  onTestFinished(() => stub.close());
  const credentials = { accessKeyId: "stub", secretAccessKey: "stub" };
  const client = new S3Client({ endpoint: stub.url, region: "us-east-1", forcePathStyle: true, credentials });
  return { stub, store: s3Store({ client, bucket: "videos" }) };
}

test("a write whose folder versitygw deletes at the same moment is made again", async () => {
  for (const options of [{}, { ifAbsent: true }]) {
    const { store, stub } = await open(2);
    expect(await store.put("a/b", new Uint8Array(), options)).toMatchObject({ ok: true });
    expect(stub.count("PutObject")).toBe(3);
  }
});

test("a key that is a folder is refused after a few tries", async () => {
  const { store } = await open(100);
  await expect(store.put("a/b", new Uint8Array())).rejects.toMatchObject({ name: "StoreError" });
});
