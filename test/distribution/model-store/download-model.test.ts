import { type ChildProcess, fork } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { type DownloadProgress, downloadModel } from "../../../lib/distribution/model-store/index.ts";
import type { FileDownloads } from "../../../lib/service/storage/index.ts";
import { s3Downloads } from "../../../lib/service/storage/s3-downloads.ts";
import { s3ClientFromEnvironment } from "../../../lib/service/storage/s3-store.ts";
import { RUNNER } from "../../../lib/shared/run/index.ts";
import { type Fault, type S3Stub, type StubRequest, startS3Stub } from "../../s3-stub/s3-stub.ts";

const PART = 16 * 2 ** 20;
const PREFIX = "models/wan/";
const large = Buffer.concat([1, 2, 3].map((fill) => Buffer.alloc(PART, fill)).concat(Buffer.from("end")));
const model = new Map([
  ["model_index.json", Buffer.from("{}")],
  ["tokenizer/empty.txt", Buffer.alloc(0)],
  ["transformer/weights.safetensors", large],
]);
const totalBytes = large.length + 2;

let cacheFolder: string;
let stub: S3Stub;
/** Returns the fault of a request; undefined for a correct answer. */
let fault: (request: StubRequest) => Fault | undefined | Promise<Fault | undefined>;
let waits: number[];

beforeEach(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), "adareel-download-"));
  waits = [];
  // The SDK's own retries are switched off, because their waits are real.
  vi.stubEnv("AWS_MAX_ATTEMPTS", "1");
  fault = () => undefined;
  stub = await startS3Stub({ fault: (request) => fault(request) });
  for (const [path, body] of model) put(path, body);
});
afterEach(async () => {
  await stub.close();
  vi.unstubAllEnvs();
  await rm(cacheFolder, { recursive: true });
});

function put(path: string, body: Buffer, metadata: Readonly<Record<string, string>> = sha256(body)): void {
  const etag = `"${createHash("md5").update(body).digest("hex")}"`;
  stub.objects.set(`bucket/${PREFIX}${path}`, { body, etag, contentType: "x/y", metadata });
}

function sha256(body: Buffer) {
  return { sha256: createHash("sha256").update(body).digest("hex") };
}

async function downloads(): Promise<FileDownloads> {
  const client = await s3ClientFromEnvironment({ ...stub.env });
  client.config.credentials = async () => ({ accessKeyId: "stub", secretAccessKey: "stub" });
  const sleep = async (durationMs: number) => void waits.push(durationMs);
  return s3Downloads({ client, bucket: "bucket", prefix: PREFIX, sleep });
}

async function download(): Promise<{ folder: string; progress: DownloadProgress[] }> {
  const progress: DownloadProgress[] = [];
  const onProgress = (report: DownloadProgress) => void progress.push(report);
  const folder = await downloadModel({ name: "wan", downloads: await downloads(), cacheFolder, onProgress });
  return { folder, progress };
}

const digest = (body: Buffer) => createHash("md5").update(body).digest("hex");
const whole = new Map([...model].map(([path, body]) => [path, digest(body)]));

/** Returns a digest of everything in a folder, hidden files included. */
async function contents(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = async (path: string) => [path.slice(folder.length + 1), digest(await readFile(path))] as const;
  return new Map(await Promise.all(paths.sort().map(read)));
}

function isLargePart(request: StubRequest, index: number): boolean {
  return (
    request.operation === "GetObject" && request.headers.range?.startsWith(`bytes=${index * PART}-`) === true
  );
}

describe("a model", () => {
  it("a model arrives whole, in ranges, without hidden files and folder markers", async () => {
    put(".gitattributes", Buffer.from("x"));
    put("transformer/", Buffer.alloc(0));
    const { folder, progress } = await download();
    expect(await contents(folder)).toEqual(whole);
    expect(stub.count("GetObject")).toBe(1 + 4);
    expect(progress[0]).toEqual({ doneBytes: 0, receivedBytes: 0, totalBytes });
    expect(progress.at(-1)).toEqual({ doneBytes: totalBytes, receivedBytes: totalBytes, totalBytes });
    expect(progress.map(({ doneBytes }) => doneBytes)).toEqual(
      progress.map(({ doneBytes }) => doneBytes).sort((a, b) => a - b),
    );
  });

  it("a model is not downloaded again, except for a truncated file", async () => {
    const first = await download();
    const asked = stub.count("GetObject");
    const { folder, progress } = await download();
    expect([folder, stub.count("GetObject")]).toEqual([first.folder, asked]);
    expect(progress).toEqual([{ doneBytes: totalBytes, receivedBytes: 0, totalBytes }]);
    await truncate(join(folder, "model_index.json"), 1);
    await download();
    expect(await contents(folder)).toEqual(whole);
    expect(stub.count("GetObject")).toBe(asked + 1);
  });

  it("each version of a model has a folder of its own, without files of others", async () => {
    const first = await download();
    stub.objects.delete(`bucket/${PREFIX}tokenizer/empty.txt`);
    put("model_index.json", Buffer.from(`{"a":1}`));
    const second = await download();
    expect([...(await contents(second.folder)).keys()]).toEqual([
      "model_index.json",
      "transformer/weights.safetensors",
    ]);
    expect(await contents(first.folder)).toEqual(whole);
  });

  it("a download resumes where a connection broke, and waits while there is none", async () => {
    const once = new Set<number>();
    fault = (request) => {
      if (isLargePart(request, 1) && !once.has(1)) {
        once.add(1);
        return { breakAfterBytes: PART / 2 };
      }
      if (isLargePart(request, 2) && once.size < 4) {
        once.add(once.size + 10);
        return { status: 503, code: "SlowDown" };
      }
      return undefined;
    };
    const { folder } = await download();
    expect(await contents(folder)).toEqual(whole);
    const again = stub.requests.filter(
      ({ headers }) => /^bytes=(\d+)-/.exec(headers.range ?? "")?.[1] !== undefined,
    );
    const starts = again.map(({ headers }) => Number(/\d+/.exec(headers.range!)![0]));
    expect(starts.filter((start) => start > PART && start <= PART * 1.5)).toHaveLength(1);
    expect(waits).toEqual(expect.arrayContaining([1_000, 2_000]));
  });

  it("a download gives up on an unreachable store, and resumes the next time", async () => {
    fault = (request) => (isLargePart(request, 2) ? { status: 503, code: "SlowDown" } : undefined);
    await expect(download()).rejects.toThrow(/^The bucket bucket answers with an error \(503 SlowDown\)/);
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
    fault = () => undefined;
    const asked = stub.count("GetObject");
    const { folder, progress } = await download();
    expect(await contents(folder)).toEqual(whole);
    expect(stub.count("GetObject")).toBe(asked + 1);
    expect(progress.at(-1)).toMatchObject({ doneBytes: totalBytes, receivedBytes: PART });
  });

  it("a file without a checksum starts over, since its parts cannot be verified", async () => {
    put("transformer/weights.safetensors", large, {});
    fault = (request) => (isLargePart(request, 2) ? { status: 403, code: "AccessDenied" } : undefined);
    await expect(download()).rejects.toThrow(/refuses these credentials \(AccessDenied\)/);
    fault = () => undefined;
    const { folder, progress } = await download();
    expect(await contents(folder)).toEqual(whole);
    expect(progress.at(-1)!.receivedBytes).toBe(large.length);
  });

  it("a download resumes after its process was killed", async () => {
    let child: ChildProcess;
    fault = async (request) => {
      if (!isLargePart(request, 2)) return undefined;
      // The process is killed once other parts have arrived.
      while (stub.count("GetObject") < 5 || (await marks()) < 3)
        await new Promise((wait) => setTimeout(wait, 5));
      child.kill("SIGKILL");
      return { breakAfterBytes: 0 };
    };
    /** Counts the downloaded parts of the large file. */
    async function marks(): Promise<number> {
      const [version] = await readdir(cacheFolder);
      const partial = join(cacheFolder, version!, ".partial/transformer/weights.safetensors");
      const bytes = await readFile(partial);
      return bytes.subarray(large.length).filter((mark) => mark === 1).length;
    }
    child = fork(
      RUNNER,
      [join(import.meta.dirname, "download-child.ts"), `s3://bucket/${PREFIX}`, cacheFolder],
      { execArgv: [], env: { ...process.env, ...stub.env } },
    );
    onTestFinished(() => void child.kill("SIGKILL"));
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    fault = () => undefined;
    const { folder, progress } = await download();
    expect(await contents(folder)).toEqual(whole);
    expect(progress.at(-1)!.receivedBytes).toBe(PART);
  });
});

describe("a model is refused in one sentence", () => {
  const sentence = /^[^\n]+[.]$/;

  it("a missing model is refused in one sentence", async () => {
    stub.objects.clear();
    await expect(download()).rejects.toThrow(
      "There are no files of the model wan: push it, or name another.",
    );
  });

  it("a model in a bucket without read permission is refused in one sentence", async () => {
    fault = () => ({ status: 403, code: "AccessDenied" });
    await expect(download()).rejects.toThrow(/refuses these credentials/);
    await expect(download()).rejects.toThrow(sentence);
  });

  it("a model that changes or disappears during the download is refused", async () => {
    fault = (request) => {
      if (isLargePart(request, 1)) put("transformer/weights.safetensors", Buffer.alloc(large.length, 9));
      return undefined;
    };
    await expect(download()).rejects.toThrow(
      `s3://bucket/${PREFIX}transformer/weights.safetensors changed while it was downloaded: start again.`,
    );
    fault = ({ operation }) => {
      if (operation === "HeadObject") stub.objects.clear();
      return undefined;
    };
    await expect(download()).rejects.toThrow(/changed while it was downloaded/);
  });

  it("a model with a wrong checksum is refused, and none of its bytes are kept", async () => {
    put("transformer/weights.safetensors", large, sha256(Buffer.from("other")));
    await expect(download()).rejects.toThrow(/^transformer\/weights\.safetensors does not match its SHA-256/);
    const [version] = await readdir(cacheFolder);
    const left = await contents(join(cacheFolder, version!));
    expect([...left.keys()].filter((path) => path.includes("weights"))).toEqual([]);
  });

  it.each(["../../outside", "a/../../b", "back\\slash", "a//b", "tab\t"])(
    "a model with a file under %j is refused",
    async (path) => {
      put(path, Buffer.from("x"));
      await expect(download()).rejects.toThrow(
        /is not a valid path of a model file: remove it from the store\.$/,
      );
      expect(await readdir(cacheFolder)).toEqual([]);
    },
  );

  it("a download to an impossible folder is refused in one sentence", async () => {
    const file = join(cacheFolder, "file");
    await writeFile(file, "");
    const none = downloadModel({
      name: "wan",
      downloads: await downloads(),
      cacheFolder: file,
      onProgress() {},
    });
    await expect(none).rejects.toThrow(
      /^The model cannot be written to .*\/file\/wan-[0-9a-f]{16} \(ENOTDIR\)\.$/,
    );
  });
});

const endpoint = process.env.ADAREEL_S3_ENDPOINT;
if (!endpoint) console.log("no ADAREEL_S3_ENDPOINT: no model is downloaded from an S3 server");

describe.runIf(endpoint)("with an S3 server, a model", () => {
  it("a model from an S3 server arrives whole, and versions are never mixed", async () => {
    const client = await s3ClientFromEnvironment({ ...process.env, AWS_ENDPOINT_URL_S3: endpoint });
    onTestFinished(() => client.destroy());
    const bucket = `adareel-test-${randomUUID()}`;
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    for (const [path, Body] of model) {
      const object = { Bucket: bucket, Key: PREFIX + path, Body, Metadata: sha256(Body) };
      await client.send(new PutObjectCommand(object));
    }
    const sleep = async () => undefined;
    const served = s3Downloads({ client, bucket, prefix: PREFIX, sleep });
    const run = () => downloadModel({ name: "wan", downloads: served, cacheFolder, onProgress() {} });
    expect(await contents(await run())).toEqual(whole);
    const [file] = await served.list();
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: PREFIX + file!.path, Body: "{ }" }));
    await expect(served.sha256(file!)).rejects.toThrow(/changed/);
  });
});
