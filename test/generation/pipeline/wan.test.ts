/**
 * Whole generations compared with diffusers' WanPipeline over the same random model and noise
 * (tools/golden/pipeline_wan.py): tokens, zeros after the text of both halves, guidance, sampler and decoder together.
 */
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import { openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { requestFor } from "./request-for.ts";
import { writeJson } from "./tiny-model.ts";

interface GoldenCase {
  readonly className: string;
  readonly config: object;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly prompt: string;
  readonly negativePrompt: string | null;
  readonly seed: number;
}

const golden = join(import.meta.dirname, "../../golden/pipelines/wan");
const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer");
const cases: GoldenCase[] = JSON.parse(await readFile(join(golden, "cases.json"), "utf8"));
const vectors = await Checkpoint.open(join(golden, "vectors.safetensors"));
const modelIndex = JSON.parse(await readFile(join(golden, "model_index.json"), "utf8"));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-wan-"));
  await cp(golden, folder, { recursive: true });
  await cp(tokenizer, join(folder, "tokenizer"), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

async function generate({ className, config, negativePrompt, ...request }: GoldenCase, video: object = {}) {
  await writeJson(join(folder, "model_index.json"), {
    ...modelIndex,
    scheduler: ["diffusers", className],
    video: { ...modelIndex.video, ...video },
  });
  await writeJson(join(folder, "scheduler/scheduler_config.json"), { _class_name: className, ...config });
  const pipeline = await openPipeline(folder, { threads: 1 });
  try {
    const negative = negativePrompt !== null && { negativePrompt };
    return await pipeline.generate(requestFor(pipeline, { ...request, ...negative, cache: "off" }));
  } finally {
    await pipeline.close();
  }
}

describe("Wan makes the video that diffusers makes", () => {
  it.each(cases.map((goldenCase, index) => ({ ...goldenCase, index })))(
    "Wan makes diffusers' video with $className in $steps steps, prompt $prompt, negative prompt $negativePrompt",
    async ({ index, ...goldenCase }) => {
      const { latent, frames, isNegativePromptTruncated } = await generate(goldenCase);
      const expected = await vectors.read(`${index}.latent`); // [C, F, H, W]
      const largest = Math.max(...expected.map(Math.abs));
      const errors = expected.map((value, i) => Math.abs(value - latent[i]!));
      // Worst error measured: 4.5e-6.
      expect(Math.max(...errors) / largest).toBeLessThan(1e-4);
      expect(isNegativePromptTruncated).toBe(false);
      expect([frames.count, frames.width, frames.height]).toEqual([9, 48, 32]);
    },
  );

  it("Wan makes the frames of diffusers, level by level", async () => {
    const { frames } = await generate(cases[0]!);
    const planes = await vectors.read("0.frames"); // [F, 3, H, W], 0..1
    const pixels = frames.width * frames.height;
    expect(frames.rgb).toHaveLength(planes.length);
    for (const [at, value] of planes.entries()) {
      const frame = Math.floor(at / (3 * pixels));
      const channel = Math.floor(at / pixels) % 3;
      const level = frames.rgb[(frame * pixels + (at % pixels)) * 3 + channel]!;
      expect(Math.abs(level - 255 * value)).toBeLessThan(1);
    }
  });
});

it("a model with Wan's autoencoder makes only videos of 1 + 4 n frames", async () => {
  await expect(generate(cases[0]!, { frames: [10] })).rejects.toThrow(
    "This model makes videos of 1, 5, 9 and so on frames, not 10.",
  );
});
