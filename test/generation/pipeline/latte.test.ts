/**
 * Whole generations compared with diffusers' LattePipeline over the same random model and noise
 * (tools/golden/pipeline_latte.py): tokens, text of both halves, guidance, sampler and decoder together.
 */
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import { openPipeline, type Progress } from "../../../lib/generation/pipeline/index.ts";
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

const golden = join(import.meta.dirname, "../../golden/pipelines/latte");
const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer");
const cases: GoldenCase[] = JSON.parse(await readFile(join(golden, "cases.json"), "utf8"));
const vectors = await Checkpoint.open(join(golden, "vectors.safetensors"));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-latte-"));
  await cp(golden, folder, { recursive: true });
  await cp(tokenizer, join(folder, "tokenizer"), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

async function generate(
  { className, config, negativePrompt, ...request }: GoldenCase,
  onProgress: (progress: Progress) => void = () => undefined,
) {
  const index = JSON.parse(await readFile(join(golden, "model_index.json"), "utf8"));
  await writeJson(join(folder, "model_index.json"), { ...index, scheduler: ["diffusers", className] });
  await writeJson(join(folder, "scheduler/scheduler_config.json"), { _class_name: className, ...config });
  const pipeline = await openPipeline(folder, { threads: 1 });
  try {
    return await pipeline.generate(
      requestFor(pipeline, { ...request, ...(negativePrompt !== null && { negativePrompt }), cache: "off" }),
      { onProgress },
    );
  } finally {
    await pipeline.close();
  }
}

describe("Latte makes the video that diffusers makes", () => {
  it.each(cases.map((goldenCase, index) => ({ ...goldenCase, index })))(
    "Latte makes diffusers' video with $className in $steps steps, prompt $prompt, negative prompt $negativePrompt",
    async ({ index, ...goldenCase }) => {
      const { latent, frames, tokens, isNegativePromptTruncated } = await generate(goldenCase);
      const expected = await vectors.read(`${index}.latent`); // [C, F, H, W]
      const largest = Math.max(...expected.map(Math.abs));
      const errors = expected.map((value, i) => Math.abs(value - latent[i]!));
      // Worst error measured: 2.1e-6.
      expect(Math.max(...errors) / largest).toBeLessThan(1e-4);

      const negativeTokens = goldenCase.negativePrompt?.split(" ").length ?? 0;
      expect(isNegativePromptTruncated).toBe(negativeTokens + 1 > tokens);

      const planes = await vectors.read(`${index}.frames`); // [F, 3, H, W], 0..1
      const pixels = frames.width * frames.height;
      expect(frames.rgb).toHaveLength(planes.length);
      for (const [at, value] of planes.entries()) {
        const [frame, channel, pixel] = [
          Math.floor(at / (3 * pixels)),
          Math.floor(at / pixels) % 3,
          at % pixels,
        ];
        expect(Math.abs(frames.rgb[(frame * pixels + pixel) * 3 + channel]! - 255 * value)).toBeLessThan(1);
      }
    },
  );
});

it("a step is an evaluation of the model: four steps of PNDM are thirteen", async () => {
  const told: Progress[] = [];
  const { trace } = await generate(cases[1]!, (progress) => told.push(progress));
  expect(trace.steps).toBe(13);
  expect(told.at(-1)).toEqual({ stage: "decode", steps: 13, done: 13, computed: 13 });
  expect(told.every(({ done, steps }) => done <= steps)).toBe(true);
});
