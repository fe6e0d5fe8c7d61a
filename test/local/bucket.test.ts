import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { eventually } from "../eventually.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { type S3Stub, startS3Stub } from "../s3-stub/s3-stub.ts";
import { type Client, clientOf, type LocalService, spawnLocal, startLocal } from "./local-service.ts";
import { hasProcessList, processesWith } from "./processes.ts";
import { openReceiver, type Receiver } from "./receiver.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const quick = { prompt: "a red circle", steps: 4, seed: 5 };

let s3: S3Stub;
let receiver: Receiver;
let folder: string;
let model: string;
/** Instance that makes no videos, and one with two workers, over one bucket. */
let front: LocalService;
let works: LocalService;
let client: Client;

const folderOf = (name: string) => join(folder, name);

function settings(name: string): NodeJS.ProcessEnv {
  const own = { DATA_DIR: folderOf(name), STORE: "s3://videos/one", MODELS: model, LEASE_MS: "3000" };
  // On Node 20 the AWS SDK warns of its end.
  return { ...s3.env, ...own, ALLOW_LOOPBACK_WEBHOOKS: "1", NODE_NO_WARNINGS: "1" };
}

beforeAll(async () => {
  [folder, model] = await Promise.all([mkdtemp(join(tmpdir(), "adareel-bucket-")), writeTinyModel()]);
  [s3, receiver] = await Promise.all([startS3Stub({ buckets: ["videos"] }), openReceiver()]);
  front = await startLocal({ ...settings("front"), WORKERS: "none" });
  client = clientOf(front.url, front.key!);
  await mkdir(folderOf("works"));
  await copyFile(join(folderOf("front"), "master.key"), join(folderOf("works"), "master.key"));
  works = await startLocal({ ...settings("works"), WORKERS: "2" });
});
afterAll(async () => {
  for (const service of [front, works]) {
    service?.child.kill("SIGTERM");
    await service?.ended;
  }
  await receiver?.close();
  await s3?.close();
  for (const path of [folder, model]) await rm(path, { recursive: true, force: true });
});

describe("two instances over one bucket", () => {
  it("a video that one instance takes is made by the other, and the first tells of it by webhook and metrics", async () => {
    const { id } = await client.create({ ...quick, webhook_url: `${receiver.url}/hook` });
    const video = await client.finished(id);
    expect(video.status).toBe("completed");
    const [webhook] = await receiver.at("/hook", 1);
    expect(JSON.parse(webhook!.body)).toMatchObject({ type: "video.completed", data: { id } });
    for (const { url } of [front, works]) {
      await eventually(async () => {
        const metrics = await (await fetch(`${url}/metrics`)).text();
        expect(metrics).toContain('adareel_jobs_total{status="completed",error=""} 1');
      });
    }
  });

  it("a signed URL of one instance is valid at the other, in whole and in part, and names neither bucket nor key", async () => {
    const video = await client.finished((await client.create(quick)).id);
    expect(new URL(video.url!).origin).toBe(front.url);
    const elsewhere = video.url!.replace(front.url, works.url);
    const [whole, other] = await Promise.all(
      [video.url!, elsewhere].map(async (url) => Buffer.from(await (await fetch(url)).arrayBuffer())),
    );
    expect(whole!.length).toBe(video.compute!.video.bytes);
    expect(sha256(other!)).toBe(sha256(whole!));
    const part = await fetch(elsewhere, { headers: { range: "bytes=4-7" } });
    expect([part.status, await part.text()]).toEqual([206, whole!.toString("latin1", 4, 8)]);
    const same = await fetch(elsewhere, { headers: { "if-none-match": part.headers.get("etag")! } });
    expect(same.status).toBe(304);
    expect((await fetch(elsewhere.replace("expires=", "expires=9"))).status).toBe(403);
  });

  it("an instance without workers keeps nothing but the master key on its disk", async () => {
    expect(await readdir(folderOf("front"))).toEqual(["master.key"]);
    expect([...s3.objects.keys()].every((key) => key.startsWith("videos/one/"))).toBe(true);
  });

  it.skipIf(!hasProcessList)(
    "two workers of an instance run two videos at once, and a killed one loses none",
    async () => {
      const gpus = () => processesWith("DATA_DIR", folderOf("works")).filter(({ role }) => role === "gpu");
      expect(gpus()).toHaveLength(2);
      const long = { ...quick, steps: 1000, cache: "off" };
      const made = await Promise.all([client.create(long), client.create(long)]);
      const now = () => Promise.all(made.map(({ id }) => client.read(id)));
      const isRunning = ({ status }: Video) => status === "in_progress";
      await eventually(async () => expect((await now()).filter(isRunning)).toHaveLength(2));
      process.kill(gpus()[0]!.pid, "SIGKILL");
      for (const { id } of made) expect((await client.finished(id)).status).toBe("completed");
      await eventually(() => expect(gpus()).toHaveLength(2));
    },
  );

  it("an instance with a master key of its own is refused in one sentence", async () => {
    const other = spawnLocal({ ...settings("other"), WORKERS: "none" });
    expect(await other.ended).toBe(1);
    expect(other.stderr).toMatch(/^The master key \S+ is missing, but the store has objects .*\.\n$/);
  });
});

describe("a bucket that cannot be used", () => {
  const none = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "", AWS_PROFILE: "" };
  const cases: [what: string, env: NodeJS.ProcessEnv, sentence: string][] = [
    [
      "does not exist",
      { STORE: "s3://other" },
      "The bucket other does not exist; check its name, or create it.",
    ],
    [
      "does not answer",
      { AWS_ENDPOINT_URL_S3: "http://127.0.0.1:1" },
      "The bucket videos does not answer (ECONNREFUSED); try again.",
    ],
    [
      "has no credentials",
      { ...none, AWS_CONFIG_FILE: "/none", AWS_SHARED_CREDENTIALS_FILE: "/none" },
      "There are no AWS credentials for the bucket videos; log in, or set AWS_PROFILE.",
    ],
  ];
  it.each(cases)("a start with a bucket that %s says so in one sentence", async (_, env, sentence) => {
    const failed = spawnLocal({ ...settings("failed"), ...env });
    expect([await failed.ended, failed.stdout, failed.stderr]).toEqual([1, "", `${sentence}\n`]);
  });

  it("a start with a store that is none says so in one sentence", async () => {
    const failed = spawnLocal({ ...settings("failed"), STORE: "s3://UP_PER!" });
    expect([await failed.ended, failed.stderr]).toEqual([
      2,
      `"s3://UP_PER!" is not a store: give a folder, file:///folder, s3://bucket or s3://bucket/prefix.\n`,
    ]);
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
