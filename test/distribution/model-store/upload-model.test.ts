import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import {
  modelCards,
  readModelCard,
  type UploadProgress,
  uploadModel,
} from "../../../lib/distribution/model-store/index.ts";
import { openFileUploads } from "../../../lib/service/storage/index.ts";
import { type S3Stub, startS3Stub } from "../../s3-stub/s3-stub.ts";

let folder: string;
let stub: S3Stub;

beforeEach(async () => {
  stub = await startS3Stub();
  for (const [name, value] of Object.entries(stub.env)) vi.stubEnv(name, value);
  folder = await mkdtemp(join(tmpdir(), "adareel-model-"));
  await mkdir(join(folder, "vae"));
  await writeFile(join(folder, "model_index.json"), "{}");
  await writeFile(join(folder, "vae", "model.safetensors"), "weights");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await stub.close();
  await rm(folder, { recursive: true });
});

const model = {
  name: "m",
  fingerprint: "1",
  limits: { sizes: [[64, 64]], frames: [16], fps: [8], steps: 30, guidance_scale: 4 },
} as never;

async function push(options: object = {}) {
  const uploads = await openFileUploads("s3://bucket", { sleep: async () => undefined });
  const told: UploadProgress[] = [];
  const uploaded = await uploadModel({
    folder,
    model: Object.assign({}, model, options),
    uploads,
    signal: new AbortController().signal,
    onProgress: (progress) => told.push(progress),
  });
  return { uploaded, told, store: uploads.store };
}

it("an upload stores the files first, and the card last", async () => {
  const { uploaded, told, store } = await push();
  expect(uploaded).toMatchObject({ ok: true, sentBytes: 9 });
  expect([...stub.objects.keys()].sort()).toEqual([
    "bucket/model-cards/m.json",
    "bucket/models/m/model_index.json",
    "bucket/models/m/vae/model.safetensors",
  ]);
  expect(stub.objects.get("bucket/models/m/model_index.json")).toMatchObject({
    contentType: "application/json",
    metadata: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
  expect(await readModelCard(store, "m")).toMatchObject({ fingerprint: "1", bytes: 9 });
  expect((await modelCards(store)).map(({ name }) => name)).toEqual(["m"]);
  expect(stub.requests.findLast(({ operation }) => operation === "PutObject")?.key).toBe(
    "model-cards/m.json",
  );
  expect(told.at(-1)).toEqual({ stage: "send", doneBytes: 9, sentBytes: 9, totalBytes: 9 });
});

it("a repeated upload sends only the small files that changed", async () => {
  await push();
  await writeFile(join(folder, "README.md"), "read");
  expect((await push()).uploaded).toMatchObject({ ok: true, sentBytes: 4, card: { bytes: 13 } });
});

it("a different model under a taken name changes nothing", async () => {
  await push();
  const before = new Map(stub.objects);
  await writeFile(join(folder, "vae", "model.safetensors"), "others!");
  expect((await push({ fingerprint: "2" })).uploaded).toMatchObject({
    ok: false,
    current: { fingerprint: "1" },
  });
  expect(stub.objects).toEqual(before);
});

it("files left by an upload without a card are not taken for parts of the model", async () => {
  const left = { body: Buffer.from("x"), etag: '"1"', contentType: "", metadata: {} };
  for (const key of ["models/m/vae/other.safetensors", "models/m/", "models/m2/kept", "models/other"])
    stub.objects.set(`bucket/${key}`, left);
  await push();
  expect([...stub.objects.keys()].filter((key) => stub.objects.get(key) === left)).toEqual([
    "bucket/models/m/",
    "bucket/models/m2/kept",
    "bucket/models/other",
  ]);
});

it("files that could not be stored leave no card", async () => {
  stub.objects.clear();
  await rm(join(folder, "vae", "model.safetensors"));
  await mkdir(join(folder, "a b"));
  await expect(push()).rejects.toThrow("cannot be stored");
  expect(stub.objects.size).toBe(0);
});

it("a table that was measured after a push is stored by the next push, beside the model's other files", async () => {
  await push();
  await writeFile(join(folder, "cache-table.json"), '{"kind": "cache table"}');
  const { uploaded } = await push();
  expect(uploaded).toMatchObject({ ok: true, sentBytes: 23 });
  expect([...stub.objects.keys()]).toContain("bucket/models/m/cache-table.json");
});
