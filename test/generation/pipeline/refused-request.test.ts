import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openPipeline, type Pipeline } from "../../../lib/generation/pipeline/index.ts";
import { requestFor } from "./request-for.ts";
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
  [{ warmup: 7 }, "The warm-up is 7: a warm-up is a whole number of steps, from 0 to the 6 of the run."],
  [
    { cache: "quick" },
    'Unknown cache policy "quick": use off, auto, fast, slow, static:3, at_least:35dB, at_most:60s, ' +
      "computed_steps:12 or a codebook file.",
  ],
  [{ cache: 3 }, "The codebook file is an object with name, origin, codebook, motion and warmup, not 3."],
])("the request %o is refused before any stage begins", async (change, sentence) => {
  const stages: string[] = [];
  const generation = pipeline.generate(requestFor(pipeline, { ...good, ...change }), {
    onProgress: ({ stage }) => stages.push(stage),
  });
  await expect(generation).rejects.toThrow(
    expect.objectContaining({ name: "RequestError", message: sentence }),
  );
  expect(stages).toEqual([]);
});
