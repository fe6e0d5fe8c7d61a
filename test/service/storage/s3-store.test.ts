import { randomUUID } from "node:crypto";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { s3ClientFromEnvironment, s3Store } from "../../../lib/service/storage/s3-store.ts";
import { objectStoreContract, type Subject } from "./object-store.contract.ts";

const endpoint = process.env.ADAREEL_S3_ENDPOINT;
/** Titles of checks that the server is known to fail, separated by semicolons. */
const lacks = process.env.ADAREEL_S3_LACKS?.split(";") ?? [];
const bucket = `adareel-test-${randomUUID()}`;

if (!endpoint) console.log("no ADAREEL_S3_ENDPOINT: the object store is not tested with an S3 server");

describe.runIf(endpoint)("an S3 store", () => {
  let client: S3Client;

  beforeAll(async () => {
    client = await s3ClientFromEnvironment({ ...process.env, AWS_ENDPOINT_URL_S3: endpoint });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  });
  afterAll(() => client.destroy());

  /** Opens the store under a new prefix of the bucket. */
  async function open(): Promise<Subject> {
    return {
      store: s3Store({ client, bucket, prefix: `${randomUUID()}/` }),
      advance: (seconds) => sleep(seconds * 1000),
      async fetch(url) {
        const response = await fetch(url);
        if (!response.ok) return null;
        const body = new Uint8Array(await response.arrayBuffer());
        return { body, contentType: response.headers.get("content-type") ?? "" };
      },
    };
  }

  objectStoreContract(open, lacks);

  it("an S3 store streams an object in whole and in part, and no other version than the one that was opened", async () => {
    const store = s3Store({ client, bucket, prefix: `${randomUUID()}/` });
    await store.put("a/video.mp4", Buffer.from("0123456789"), { contentType: "video/mp4" });
    const open = async () => (await store.openObject("a/video.mp4"))!;
    expect(await open()).toMatchObject({ sizeBytes: 10, contentType: "video/mp4" });
    expect(await text((await open()).stream())).toBe("0123456789");
    expect(await text((await open()).stream({ start: 4, end: 6 }))).toBe("456");
    const before = await open();
    await store.put("a/video.mp4", Buffer.from("others"));
    await expect(text(before.stream())).rejects.toThrow();
    expect(await store.openObject("a/none")).toBeNull();
    await store.put("a/empty", new Uint8Array());
    expect(await text((await store.openObject("a/empty"))!.stream({ start: 0, end: -1 }))).toBe("");
  });

  it("an S3 store says that the bucket is missing", async () => {
    const store = s3Store({ client, bucket: `${bucket}-missing` });
    const put = () => store.put("a", new Uint8Array(), { ifMatch: "x" });
    for (const operation of [() => store.get("a"), put, () => store.list("")])
      await expect(operation()).rejects.toMatchObject({ name: "StoreError", code: "missing_bucket" });
  });
});
