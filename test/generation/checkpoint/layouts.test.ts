/**
 * Every layout of weights that diffusers 0.42.1 and transformers 5.23.0 save (tools/golden/weight_layouts.py), opened
 * as it lies.
 */
import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Checkpoint, CheckpointError, convertModel } from "../../../lib/generation/checkpoint/index.ts";
import { chooseWeights, missingShards } from "../../../lib/generation/checkpoint/weight-layout.ts";
import { writeJson } from "../pipeline/tiny-model.ts";
import { temporaryFolder } from "./safetensors-file.ts";

const golden = join(import.meta.dirname, "../../golden/layouts");
const PARTS = ["transformer", "text_encoder"];
const scratch = temporaryFolder();

async function valuesOf(checkpoint: Checkpoint): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for (const name of checkpoint.names().sort()) values.set(name, await checkpoint.read(name));
  return values;
}

const open = (layout: string, part: string, variant?: string) =>
  Checkpoint.open(join(golden, layout, part), variant);

describe.each(PARTS)("the layouts of a %s", (part) => {
  test.each([
    ["sharded", null, undefined],
    ["variant", "fp16", undefined],
    ["variant", "fp16", "fp16"],
    ["variant-sharded", "fp16", undefined],
    ["variant-sharded", "fp16", "fp16"],
    ["side-by-side", null, undefined],
    ["plain", null, "fp16"],
  ])(
    `the ${part} that is saved %s (variant %s) has the plain one's weights when %s is asked for`,
    async (layout, variant, asked) => {
      const opened = await open(layout, part, asked);
      expect(opened.variant).toBe(variant);
      const expected = await valuesOf(await open("plain", part));
      expect(expected.size).toBeGreaterThan(5);
      expect(await valuesOf(opened)).toEqual(expected);
    },
  );

  test.each([
    ["fp16", "F16"],
    ["bf16", "BF16"],
  ])(
    `the variant %s of the ${part} is taken from several side by side, in its own type`,
    async (variant, dtype) => {
      const opened = await open("side-by-side", part, variant);
      expect(opened.variant).toBe(variant);
      const types = new Set(opened.names().map((name) => opened.info(name).dtype));
      expect(types).toContain(dtype);
      const plain = await valuesOf(await open("plain", part));
      for (const [name, values] of await valuesOf(opened)) {
        const expected = plain.get(name)!;
        for (const [i, value] of values.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(0.02);
      }
    },
  );
});

test("several variants of which none is without one are refused with their names", async () => {
  const folder = join(scratch, "variants");
  cpSync(join(golden, "side-by-side/transformer"), folder, { recursive: true });
  rmSync(join(folder, "diffusion_pytorch_model.safetensors"));
  const opened = Checkpoint.open(folder);
  await expect(opened).rejects.toThrow(CheckpointError);
  await expect(opened).rejects.toThrow(
    /the folder has its weights as the variants fp16 and bf16: choose one with --variant$/,
  );
  await expect(Checkpoint.open(folder, "int8")).rejects.toThrow(/choose one with --variant, not "int8"$/);
});

test("shards that a set lacks are counted, also with the variant after their numbers", () => {
  const names = [
    "diffusion_pytorch_model.safetensors.index.fp16.json",
    "diffusion_pytorch_model-00001-of-00003.fp16.safetensors",
    "diffusion_pytorch_model-00003-of-00003.fp16.safetensors",
  ];
  const choice = chooseWeights(names);
  expect(choice).toMatchObject({ set: { entry: names[0], variant: "fp16", files: names } });
  if ("set" in choice) expect(missingShards(choice.set)).toBe(1);
});

test.each([
  [["pytorch_model.bin"], /as pytorch_model\.bin, which can hold code/],
  [["model.safetensors.incomplete"], /a download that did not end \(model\.safetensors\.incomplete\)/],
  [["model-Q8_0.gguf"], /GGUF is not read/],
  [["a.safetensors", "b.safetensors"], /several safetensors files and no index/],
  [["config.json"], /^has no weights/],
])("a folder with %j has no weights that can be read, and says why", (names, fault) => {
  expect(chooseWeights(names)).toEqual({ fault: expect.stringMatching(fault) });
});

test("a variant in shards is converted to files without the variant in their names", async () => {
  const [folder, out] = [join(scratch, "model"), join(scratch, "converted")];
  for (const part of PARTS)
    cpSync(join(golden, "variant-sharded", part), join(folder, part), { recursive: true });
  await writeJson(join(folder, "model_index.json"), {
    _class_name: "WanPipeline",
    transformer: ["diffusers", "WanTransformer3DModel"],
    text_encoder: ["transformers", "T5EncoderModel"],
  });
  await convertModel({ folder, out, dtype: "bfloat16", variant: "fp16" });
  expect(readdirSync(join(out, "transformer")).filter((name) => name.includes("fp16"))).toEqual([]);
  const converted = await Checkpoint.open(join(out, "transformer"));
  expect(converted.variant).toBeNull();
  expect(converted.names().sort()).toEqual((await open("plain", "transformer")).names().sort());
});
