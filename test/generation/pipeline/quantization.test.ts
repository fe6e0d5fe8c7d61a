/** Transformers whose blocks multiply 8-bit integers: what is checked when they open, and what videos they make. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkpoint, convertModel, openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import { type Generation, openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { openParts } from "../../../lib/generation/pipeline/model/parts.ts";
import {
  BLOCK_ERROR_MAX,
  checkQuantization,
  quantizationNotes,
} from "../../../lib/generation/pipeline/model/quantization-check.ts";
import { psnr } from "../../../lib/generation/video/index.ts";
import { relativeL2 } from "../relative-l2.ts";
import { requestFor } from "./request-for.ts";

const pipelines = join(import.meta.dirname, "../../golden/pipelines");
const demo = join(import.meta.dirname, "../../../models/demo");

let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "adareel-int8-"));
});
afterAll(() => rm(parent, { recursive: true }));

async function checksOf(folder: string) {
  const model = await openParts(await openModelFolder(folder), { precision: "int8", threads: 1 });
  try {
    return await checkQuantization(model);
  } finally {
    await model.release();
  }
}

async function generate(folder: string, options: object, asked: object): Promise<Generation> {
  const pipeline = await openPipeline(folder, { threads: 1, ...options });
  try {
    return await pipeline.generate(requestFor(pipeline, { prompt: "a red circle", seed: 1, ...asked }));
  } finally {
    await pipeline.close();
  }
}

/** Copies the demo model with weights in float32, and changes values of its transformer. */
async function changedDemo(name: string, change: (weights: Map<string, Float32Array>) => void) {
  const folder = join(parent, name);
  await convertModel({ folder: demo, out: folder, dtype: "float32" });
  const weights = await Checkpoint.open(join(folder, "transformer"));
  const values = new Map<string, Float32Array>();
  for (const tensor of weights.names()) values.set(tensor, await weights.read(tensor));
  change(values);
  const { path } = weights.tensors().values().next().value!;
  const file = await readFile(path);
  for (const [tensor, data] of values)
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), weights.info(tensor).offset);
  await writeFile(path, file);
  return folder;
}

describe("the demo model in int8", () => {
  it("every block is within the limit, and the note says by how much", async () => {
    const [check] = await checksOf(demo);
    expect(check!.errors).toHaveLength(6);
    for (const error of check!.errors) expect(error).toBeGreaterThan(0.001);
    expect(Math.max(...check!.errors)).toBeLessThan(BLOCK_ERROR_MAX);
    expect(check!.floatBlocks.size).toBe(0);
    const worst = (100 * Math.max(...check!.errors)).toFixed(1);
    expect(quantizationNotes([check!], true)).toEqual([
      `The blocks multiplied in int8: each is off float32 by at most ${worst} %.`,
    ]);
  });

  it("a video has the same bytes in two pipelines, and is near that of float32", async () => {
    const asked = { steps: 10, cache: "off" };
    const [exact, first, second] = [
      await generate(demo, {}, asked),
      await generate(demo, { precision: "int8" }, asked),
      await generate(demo, { precision: "int8" }, asked),
    ];
    expect(second.latent).toEqual(first.latent);
    const error = relativeL2(first.latent, exact.latent);
    expect(error).toBeGreaterThan(1e-4);
    expect(error).toBeLessThan(0.1);
    expect(first.notes.join()).toContain("multiplied in int8");
    expect(exact.notes.join()).not.toContain("int8");
  });
});

/**
 * Makes the first channel of the values of one spatial block a thousand times as large, and its weights in the
 * projection as much smaller. Attention is linear in its values, so float32 computes the same. In int8 the channel
 * takes the scale of all others for itself.
 */
function addOutlier(weights: Map<string, Float32Array>): void {
  const [qkv, bias, projection] = ["qkv.weight", "qkv.bias", "proj.weight"].map(
    (layer) => weights.get(`spatial_blocks.1.attn.${layer}`)!,
  ) as [Float32Array, Float32Array, Float32Array];
  const width = bias.length / 3;
  const value = 2 * width; // the first channel of the values
  for (let i = 0; i < width; i++) qkv[value * width + i]! *= 1000;
  bias[value]! *= 1000;
  for (let out = 0; out < width; out++) projection[out * width]! /= 1000;
}

it("a video in int8 without cache is as close to float32's as the largest promise in int8: 40 dB", async () => {
  const asked = {
    prompt: "a small red square stays still over a plain white background",
    seed: 1000,
    cache: "off",
  };
  const exact = await generate(demo, {}, asked);
  const inInt8 = await generate(demo, { precision: "int8" }, asked);
  expect(psnr(exact.frames, inInt8.frames)).toBeGreaterThan(40);
});

describe("a demo model with an outlier in one block", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await changedDemo("outliers", addOutlier);
  });

  it("the block with the outlier stays in float32, and the others do not", async () => {
    const [check] = await checksOf(folder);
    expect([...check!.floatBlocks]).toEqual([1]);
    expect(quantizationNotes([check!], true)[1]).toMatch(
      /^1 of 6 blocks was computed in float32, because int8 would be up to \d+\.\d % off\.$/,
    );
  });

  it("a video is as close to float32's as the demo model's has to be, and its notes name the block", async () => {
    const asked = { steps: 10, cache: "off" };
    const exact = await generate(folder, {}, asked);
    const inInt8 = await generate(folder, { precision: "int8" }, asked);
    expect(relativeL2(inInt8.latent, exact.latent)).toBeLessThan(0.1);
    expect(inInt8.notes.join(" ")).toContain("1 of 6 blocks was computed in float32");
  });
});

it("notes of a model whose every block stays in float32 say only that", () => {
  const checks = [{ errors: [0.2, 0.123], floatBlocks: new Set([0, 1]) }];
  expect(quantizationNotes(checks)).toEqual([
    "2 of 2 blocks were computed in float32, because int8 would be up to 20.0 % off.",
  ]);
  const [said] = [{ errors: [0.01], floatBlocks: new Set<number>() }];
  expect(quantizationNotes([said!], false)[1]).toContain("not known to have VNNI or AMX");
  expect(quantizationNotes([said!], true)).toHaveLength(1);
  expect(quantizationNotes([])).toEqual([]);
});

describe("every family is checked", () => {
  const families = [
    "latte",
    "wan",
    "open-sora",
    "ltx",
    ...["between", "states", "two"].map((kind) => `wan-pictures/${kind}`),
  ];
  it.each(families)("%s has an error for each block, and makes a video", async (family) => {
    const folder = join(parent, family.replace("/", "-"));
    await cp(join(pipelines, family), folder, { recursive: true });
    await cp(join(demo, "tokenizer"), join(folder, "tokenizer"), { recursive: true });
    const checks = await checksOf(folder);
    for (const { errors } of checks) {
      expect(errors.length).toBeGreaterThan(0);
      for (const error of errors) expect(error).toBeGreaterThan(0);
    }
    const image = family.startsWith("wan-pictures")
      ? { image: join(pipelines, "wan-pictures/first.png") }
      : {};
    const last = family.endsWith("between") ? { lastImage: join(pipelines, "wan-pictures/last.png") } : {};
    const { latent } = await generate(folder, { precision: "int8" }, { steps: 3, ...image, ...last });
    expect(latent.every(Number.isFinite)).toBe(true);
  });
});

it.each(["cuda", "webgpu"] as const)(
  "a model for %s is refused in int8, in one sentence",
  async (provider) => {
    await expect(openPipeline(demo, { provider, precision: "int8" })).rejects.toThrow(
      `the provider ${provider} has no products in int8: take float32`,
    );
  },
);
