import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { CheckpointError, hashWeights, modelFingerprint } from "../../../lib/generation/checkpoint/index.ts";
import { temporaryFolder } from "./safetensors-file.ts";

const parent = temporaryFolder();
const folder = join(parent, "model");
const at = (...names: string[]) => join(folder, ...names);
const sha256 = (bytes: string | Buffer) => createHash("sha256").update(bytes).digest("hex");

/** Weights that are longer than the pieces in which a file is read, and not a multiple of them. */
const weights = Buffer.alloc(3 * 2 ** 20 + 5, "weights");
const index = JSON.stringify({ vae: ["l", "C"], transformer: ["l", "C"], safety_checker: [null, null] });

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const name of ["vae", "transformer/shards", "samples"]) mkdirSync(at(name), { recursive: true });
  writeFileSync(at("model_index.json"), index);
  writeFileSync(at("vae", "config.json"), "{}");
  writeFileSync(at("transformer", "model.safetensors"), weights);
  writeFileSync(at("transformer", "shards", "empty.safetensors"), "");
});

test("every file that decides the result has its hash, sorted by name", async () => {
  const hashes = await hashWeights(folder);
  expect(Object.entries(hashes)).toEqual([
    ["model_index.json", sha256(index)],
    ["transformer/model.safetensors", sha256(weights)],
    ["transformer/shards/empty.safetensors", sha256("")],
    ["vae/config.json", sha256("{}")],
  ]);
});

test("neither hash depends on the model's folder or on files that no part reads", async () => {
  const before = [await hashWeights(folder), await modelFingerprint(folder)];
  writeFileSync(at("README.md"), "text");
  writeFileSync(at("prompts.json"), "[]");
  writeFileSync(at("samples", "prompt.json"), "{}");
  writeFileSync(at("vae", "notes.txt"), "text");
  const moved = join(parent, "moved");
  cpSync(folder, moved, { recursive: true });
  expect([await hashWeights(moved), await modelFingerprint(moved)]).toEqual(before);
});

test.each<[string, () => void]>([
  ["a file with one more byte", () => writeFileSync(at("vae", "config.json"), "{} ")],
  ["another file", () => writeFileSync(at("vae", "model.safetensors"), "")],
  ["a file under another name", () => cpSync(at("vae", "config.json"), at("vae", "other.json"))],
  [
    "a byte that moved to the next file",
    () => {
      writeFileSync(at("transformer", "model.safetensors"), weights.subarray(0, -1));
      writeFileSync(at("transformer", "shards", "empty.safetensors"), weights.subarray(-1));
    },
  ],
])("both hashes change with %s", async (_title, change) => {
  const before = [await hashWeights(folder), await modelFingerprint(folder)];
  change();
  expect(await hashWeights(folder)).not.toEqual(before[0]);
  expect(await modelFingerprint(folder)).not.toBe(before[1]);
});

test("docs/benchmarks.md has measurements of the demo model as it is, by its fingerprint", async () => {
  const documented = readFileSync("docs/benchmarks.md", "utf8").matchAll(/sha256 ([0-9a-f]{16})/g);
  const fingerprints = [...documented].map(([, start]) => start);
  expect(fingerprints).toContain((await modelFingerprint("models/demo")).slice(0, 16));
});

test("a folder without a model and an unreadable file are named", async () => {
  await expect(hashWeights(at("vae"))).rejects.toThrow(/model_index\.json: no such file or folder$/);
  mkdirSync(at("vae", "a.json"));
  for (const hashed of [hashWeights(folder), modelFingerprint(folder)]) {
    await expect(hashed).rejects.toThrow(new CheckpointError(at("vae/a.json"), "not a regular file"));
  }
});
