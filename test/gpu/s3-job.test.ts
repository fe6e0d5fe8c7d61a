import { createHash, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { namedByFolder } from "../../functions/gpu/models.ts";
import { pastVideos } from "../../functions/gpu/past-videos.ts";
import { runJob } from "../../functions/gpu/run-job.ts";
import { warmModels } from "../../functions/gpu/warm-models.ts";
import { s3ClientFromEnvironment } from "../../lib/service/storage/s3-store.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { openWorkplace, quietRun } from "./job-fixture.ts";

const endpoint = process.env.ADAREEL_S3_ENDPOINT;

if (!endpoint) console.log("no ADAREEL_S3_ENDPOINT: no job is run over S3");

/** Creates a bucket, and opens a store of jobs in it. */
async function openBucket(modelFolder: string) {
  vi.stubEnv("AWS_ENDPOINT_URL_S3", endpoint);
  onTestFinished(() => void vi.unstubAllEnvs());
  const client = await s3ClientFromEnvironment();
  const bucket = `adareel-test-${randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  const place = await openWorkplace(modelFolder, `s3://${bucket}/deployment`);
  onTestFinished(() => place.remove());
  return place;
}

describe.runIf(endpoint)("a job over S3", () => {
  it("a job over S3 runs from queued to completed, its video has a signed URL, and its purge leaves nothing", async () => {
    const folder = await writeTinyModel();
    onTestFinished(() => rm(folder, { recursive: true }));
    const models = await warmModels([namedByFolder(folder)], { threads: 1 });
    onTestFinished(() => models.close());
    const place = await openBucket(folder);
    const { jobs, store, clock } = place;
    const ref = await place.queue();

    const { record } = await runJob(ref, new AbortController().signal, {
      ...place,
      models,
      owner: "worker",
      ...quietRun,
      past: pastVideos(),
      onChange: () => undefined,
    });

    expect(record).toMatchObject({ status: "completed", attempt: 1 });
    const { key, contentType, sha256 } = record!.outputs!.video;
    const answer = await fetch(await store.signedUrl(key, { expiresInSeconds: 60, contentType }));
    expect(answer.headers.get("content-type")).toBe(contentType);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
    expect((await jobs.list("acme", { limit: 10 })).records).toEqual([record]);

    clock.aheadMs = 1000;
    expect(await jobs.purge("acme", clock.now())).toBe(1);
    expect((await store.list("")).keys).toEqual([]);
  });
});
