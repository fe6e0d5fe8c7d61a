import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { writeQuantized } from "../../../lib/generation/checkpoint/index.ts";
import { readLora, type TransformerWeights, withLoras } from "../../../lib/generation/lora/index.ts";
import { buildFull } from "../../../lib/generation/models/index.ts";
import {
  graphWeights,
  recordedWeights,
  withIntegers,
} from "../../../lib/generation/pipeline/model/opened-part.ts";
import { base, dit, feeds, LORAS, loraCases, runEach, target } from "./lora-golden.ts";

/** Returns the tiny Wan with its weights in 8-bit integers in a folder of their own. */
async function quantizedBase() {
  const folder = await mkdtemp(join(tmpdir(), "adareel-quantized-lora-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { config, weights } = base;
  const part = {
    ...{ className: "WanTransformer3DModel", config, weights, folder, pipeline: "" },
    checkpoint: async () => weights,
  };
  const recorded = recordedWeights(part);
  buildFull(dit, { weights: recorded.weights, precision: "int8" });
  await writeQuantized({ part, names: recorded.names });
  return withIntegers(part);
}

// A low-rank change is a branch in float32; a difference is added to the weight, which is then quantised on opening.
test.each(loraCases.filter(({ name }) => ["own-header", "original", "kohya", "two"].includes(name)))(
  "the LoRAs of $name change weights in 8-bit integers from a file as they change those quantised on opening",
  async ({ loras }) => {
    const part = await quantizedBase();
    const applied = await Promise.all(
      loras.map(async ({ file, scale }) => ({
        lora: await readLora(join(LORAS, `${file}.safetensors`), target),
        scale,
      })),
    );
    const prediction = async (weights: TransformerWeights, precision: "int8" | "float32" = "int8") => {
      const graph = buildFull(dit, { weights, precision });
      const [out] = await runEach(graph, weights, [await feeds(1)]);
      return out!.prediction!.data;
    };
    const fromFile = await prediction(withLoras(graphWeights(part), applied));
    expect(fromFile).toEqual(await prediction(withLoras(base.weights, applied)));
    expect(fromFile).not.toEqual(await prediction(withLoras(base.weights, applied), "float32"));
    expect(fromFile).not.toEqual(await prediction(graphWeights(part)));
  },
);
