import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openPipeline, type Pipeline } from "../../../lib/generation/pipeline/index.ts";
import { writeTinyModel } from "./tiny-model.ts";

const good = { prompt: "a red circle", seed: 1 };

let folder: string;
let pipeline: Pipeline;

beforeAll(async () => {
  folder = await writeTinyModel();
  pipeline = await openPipeline(folder, { threads: 1 });
});
afterAll(async () => {
  await pipeline.close();
  await rm(folder, { recursive: true });
});

it.each([
  [{ prompt: "" }, "The prompt is empty: say what the video should show."],
  [{ steps: 0 }, "steps must be a whole number from 1 to 1000, got 0."],
  [{ seed: -1 }, "seed must be a whole number from 0 to 9007199254740991, got -1."],
  [{ guidanceScale: Number.NaN }, "guidance must be a number from 0 to 100, got NaN."],
  [{ width: 64 }, "This model cannot make videos of 64x16: choose 16x16, 32x16."],
  [{ frames: 5 }, "This model cannot make 5 frames: choose 4, 1."],
  [{ cache: 3 }, "The codebook file must be an object with name, origin, codebook, motion, warmup, got 3."],
])("the request %o is refused before any stage begins", async (change, sentence) => {
  const stages: string[] = [];
  const generation = pipeline.generate(
    { ...good, ...change },
    { onProgress: ({ stage }) => stages.push(stage) },
  );
  await expect(generation).rejects.toThrow(
    expect.objectContaining({ name: "RequestError", message: sentence }),
  );
  expect(stages).toEqual([]);
});
