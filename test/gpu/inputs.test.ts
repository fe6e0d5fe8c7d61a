import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { JobFailure } from "../../functions/gpu/failure.ts";
import { removeAbandonedInputs, withInputs } from "../../functions/gpu/inputs.ts";
import { RequestError, type ResolvedRequest } from "../../lib/generation/request/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";

const body = new TextEncoder().encode("a picture");
const sha256 = createHash("sha256").update(body).digest("hex");
const input = {
  key: "inputs/acme/v/c/input_reference",
  contentType: "image/png",
  bytes: 9,
  sha256,
  width: 16,
  height: 16,
};
const request = { image: "input_reference", prompt: "a" } as ResolvedRequest;
const { signal } = new AbortController();

async function storeWith(bytes: Uint8Array | null) {
  const store = memoryStore();
  if (bytes) await store.put(input.key, bytes);
  return store;
}

const folders = () =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`adareel-inputs-${process.pid}-`));

test("the work gets paths of files with the pictures, which no other user can read, and which are gone afterwards", async () => {
  const store = await storeWith(body);
  const both = { ...request, lastImage: "last_image" };
  let paths: string[] = [];
  const result = await withInputs(
    { inputs: { input_reference: input, last_image: input } },
    both,
    { store, signal },
    async ({ image, lastImage, prompt }) => {
      paths = [image!, lastImage!];
      expect(prompt).toBe("a");
      for (const path of paths) expect(new Uint8Array(readFileSync(path))).toEqual(body);
      expect(statSync(dirname(image!)).mode & 0o077).toBe(0);
      return 7;
    },
  );
  expect(result).toBe(7);
  expect(paths.map((path) => existsSync(dirname(path)))).toEqual([false, false]);
});

test("a request without pictures makes no folder", async () => {
  const { image: _, ...bare } = request;
  await withInputs(
    { inputs: {} },
    bare as ResolvedRequest,
    { store: memoryStore(), signal },
    async (given) => {
      expect(given).toEqual(bare);
      expect(folders()).toEqual([]);
    },
  );
});

test.each<[string, Uint8Array | null, Record<string, typeof input>, string]>([
  ["that is missing", null, { input_reference: input }, "The picture of this video is missing."],
  ["that is damaged", new Uint8Array(9), { input_reference: input }, "The picture of this video is damaged."],
  ["that the record lacks", body, {}, "The picture of this video is not stored with it."],
])(
  "a picture %s fails the job with a code of its own, and leaves nothing",
  async (_, stored, inputs, message) => {
    const store = await storeWith(stored);
    const run = withInputs({ inputs }, request, { store, signal }, () => Promise.reject(new Error("it ran")));
    await expect(run).rejects.toMatchObject({ name: "JobFailure", code: "input_lost", message });
    expect(folders()).toEqual([]);
  },
);

test("a store that does not answer fails the job, which may be tried again", async () => {
  const store = { ...memoryStore(), get: () => Promise.reject(new StoreError("unavailable", "no answer")) };
  const failed = await withInputs(
    { inputs: { input_reference: input } },
    request,
    { store, signal },
    async () => 1,
  ).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(JobFailure);
  expect(failed).toMatchObject({ code: "input_lost", isRetryable: true });
});

test("a picture that cannot be decoded is named by its field, without the place of its file", async () => {
  const store = await storeWith(body);
  const run = withInputs({ inputs: { input_reference: input } }, request, { store, signal }, ({ image }) =>
    Promise.reject(new RequestError(`The picture ${image} cannot be read: no picture.`)),
  );
  await expect(run).rejects.toMatchObject({
    name: "RequestError",
    message: "The picture input_reference cannot be read: no picture.",
  });
  expect(folders()).toEqual([]);
});

test("a start removes the pictures of processes that were killed, and of no others", async () => {
  const { pid } = spawnSync("true");
  const [dead, alive] = [pid, process.ppid].map((each) =>
    mkdtempSync(join(tmpdir(), `adareel-inputs-${each}-`)),
  );
  onTestFinished(() => rmSync(alive!, { recursive: true, force: true }));
  await removeAbandonedInputs();
  expect([existsSync(dead!), existsSync(alive!)]).toEqual([false, true]);
});
