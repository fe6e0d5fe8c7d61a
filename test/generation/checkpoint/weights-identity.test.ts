import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import {
  Checkpoint,
  CheckpointError,
  configHash,
  weightsIdentity,
} from "../../../lib/generation/checkpoint/index.ts";
import { floatTensors, temporaryFolder } from "./safetensors-file.ts";

const parent = temporaryFolder();
const folder = join(parent, "transformer");
const weights = join(folder, "model.safetensors");
/** 4096 values, of which 1 KiB in the middle is sampled, and a tensor that is sampled as a whole. */
const values = { large: Array.from({ length: 4096 }, (_, index) => index), small: [1, 2, 3] };

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  writeFileSync(weights, floatTensors(values));
});

async function identity(config: Record<string, unknown> = { depth: 2 }, at = folder): Promise<string> {
  return weightsIdentity([{ className: "STDiT3", config, weights: await Checkpoint.open(at) }]);
}

/** Overwrites float32 values from `first` on of a tensor that begins at value `start` of the data. */
function overwrite(start: number, count: number): void {
  const bytes = readFileSync(weights);
  const data = 8 + Number(bytes.readBigUInt64LE(0));
  for (let i = start; i < start + count; i++) bytes.writeFloatLE(-1, data + 4 * i);
  writeFileSync(weights, bytes);
}

test("an identity is a SHA-256 that copies share, under any name of folder and file", async () => {
  const before = await identity();
  expect(before).toMatch(/^[0-9a-f]{64}$/);
  const copy = join(parent, "copy");
  cpSync(folder, copy, { recursive: true });
  renameSync(join(copy, "model.safetensors"), join(copy, "other.safetensors"));
  expect(await identity({ depth: 2 }, copy)).toBe(before);
});

test("an identity stays the same when the weights are divided into other files", async () => {
  const before = await identity();
  rmSync(weights);
  for (const [name, list] of Object.entries(values))
    writeFileSync(join(folder, `${name}.safetensors`), floatTensors({ [name]: list }));
  const weight_map = { large: "large.safetensors", small: "small.safetensors" };
  writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map }));
  expect(await identity()).toBe(before);
});

test.each<[string, () => void]>([
  ["every value of a tensor, as by another fine-tune", () => overwrite(0, 4096)],
  ["a value in the middle of a tensor", () => overwrite(2048, 1)],
  ["a value of a small tensor", () => overwrite(4096, 1)],
  [
    "the name of a tensor",
    () => writeFileSync(weights, floatTensors({ large: values.large, tiny: [1, 2, 3] })),
  ],
  ["the shape of a tensor", () => writeFileSync(weights, floatTensors({ ...values, small: [1, 2, 3, 4] }))],
])("an identity changes with %s", async (_title, change) => {
  const before = await identity();
  change();
  expect(await identity()).not.toBe(before);
});

test("an identity does not see a change that misses every sample, which its documentation admits", async () => {
  const before = await identity();
  overwrite(0, 1000);
  expect(await identity()).toBe(before);
});

test("an identity changes with a configuration, and not with the order of its members or its writer's version", async () => {
  const before = await identity({ depth: 2, sizes: { a: 1, b: 2 } });
  expect(await identity({ _diffusers_version: "1", sizes: { b: 2, a: 1 }, depth: 2 })).toBe(before);
  expect(await identity({ depth: 3, sizes: { a: 1, b: 2 } })).not.toBe(before);
});

test("lists of a configuration have an order that counts, and members without a value do not", () => {
  expect(configHash({ patch: [1, 2] })).not.toBe(configHash({ patch: [2, 1] }));
  expect(configHash({ least: -Infinity })).not.toBe(configHash({ least: Infinity }));
  expect(configHash({ patch: [1, 2] })).not.toBe(configHash({ patch: { 0: 1, 1: 2 } }));
  expect(configHash({ shift: null })).not.toBe(configHash({}));
});

test("weights that were removed since they were opened are named in the error", async () => {
  const opened = await Checkpoint.open(folder);
  rmSync(weights);
  const failing = weightsIdentity([{ className: "STDiT3", config: {}, weights: opened }]);
  await expect(failing).rejects.toThrow(CheckpointError);
  await expect(failing).rejects.toThrow(/model\.safetensors: no such file or folder$/);
});
