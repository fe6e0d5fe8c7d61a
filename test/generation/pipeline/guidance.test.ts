/** Guidance scales of 1, for which the unconditional half is left out, on tiny random models. */
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Generation, openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { requestFor, type Wanted } from "./request-for.ts";
import { writeJson, writeTinyModel } from "./tiny-model.ts";

const pipelines = join(import.meta.dirname, "../../golden/pipelines");
const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer");
const readJson = async (path: string) => JSON.parse(await readFile(path, "utf8"));

/** Smallest float32 above 1: both halves are computed, and guidance gives almost the conditional one. */
const JUST_ABOVE_1 = 1 + 2 ** -23;

const request = { prompt: "a red circle", seed: 5, steps: 4, cache: "off" } satisfies Wanted;

/** Generates requests one after another with one pipeline. */
async function generateAll(folder: string, requests: readonly object[]): Promise<Generation[]> {
  const pipeline = await openPipeline(folder, { threads: 1 });
  try {
    const generations: Generation[] = [];
    for (const changes of requests)
      generations.push(await pipeline.generate(requestFor(pipeline, { ...request, ...changes })));
    return generations;
  } finally {
    await pipeline.close();
  }
}

function relativeError(actual: Float32Array, expected: Float32Array): number {
  const errors = expected.map((value, i) => Math.abs(value - actual[i]!));
  return Math.max(...errors) / Math.max(...expected.map(Math.abs));
}

describe("a generation with a guidance scale of 1", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await writeTinyModel();
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("a guidance scale of 1 makes the latent that guidance by both halves comes to", async () => {
    const [alone, both] = await generateAll(folder, [{ guidanceScale: 1 }, { guidanceScale: JUST_ABOVE_1 }]);
    expect(relativeError(alone!.latent, both!.latent)).toBeLessThan(1e-5);
  });

  it("a guidance scale of 1 encodes no unconditional text, so that a negative prompt changes nothing", async () => {
    const negativePrompt = "a blue square ".repeat(10);
    const [without, negative, guided] = await generateAll(folder, [
      { guidanceScale: 1 },
      { guidanceScale: 1, negativePrompt },
      { guidanceScale: 4, negativePrompt },
    ]);
    expect(negative!.latent).toEqual(without!.latent);
    expect([negative!, guided!].map((made) => made.isNegativePromptTruncated)).toEqual([false, true]);
    const unused = "The negative prompt was not used: a guidance scale of 1 does not guide.";
    expect([without!, negative!, guided!].map(({ notes }) => notes.includes(unused))).toEqual([
      false,
      true,
      false,
    ]);
  });

  it("a guidance scale of 1 reuses the residuals of the conditional half where the cache lets it", async () => {
    const cached = { cache: "static:2", steps: 6 };
    const [alone, both] = await generateAll(folder, [
      { ...cached, guidanceScale: 1 },
      { ...cached, guidanceScale: JUST_ABOVE_1 },
    ]);
    expect(alone!.trace.schedule.map(({ computed }) => computed)).toContain(false);
    expect(relativeError(alone!.latent, both!.latent)).toBeLessThan(1e-5);
  });

  it("one pipeline makes generations with and without guidance in turn", async () => {
    const scales = [{ guidanceScale: 4 }, { guidanceScale: 1 }, { guidanceScale: 4 }, { guidanceScale: 1 }];
    const inTurn = await generateAll(folder, scales);
    for (const [i, scale] of scales.entries()) {
      const [alone] = await generateAll(folder, [scale]);
      expect(inTurn[i]!.latent).toEqual(alone!.latent);
    }
  });
});

describe("two transformers", () => {
  let folder: string;
  beforeAll(async () => {
    const golden = join(pipelines, "wan-two-transformers");
    const { boundaryRatio, scheduler } = await readJson(join(golden, "cases.json"));
    folder = await mkdtemp(join(tmpdir(), "adareel-guidance-"));
    await cp(join(pipelines, "wan"), folder, { recursive: true });
    await cp(join(golden, "transformer_2"), join(folder, "transformer_2"), { recursive: true });
    await cp(tokenizer, join(folder, "tokenizer"), { recursive: true });
    await writeJson(join(folder, "scheduler/scheduler_config.json"), scheduler);
    const index = await readJson(join(folder, "model_index.json"));
    const transformer_2 = ["diffusers", "WanTransformer3DModel"];
    await writeJson(join(folder, "model_index.json"), {
      ...index,
      transformer_2,
      boundary_ratio: boundaryRatio,
    });
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function latentWith([first, second]: readonly [number, number]): Promise<Float32Array> {
    const index = await readJson(join(folder, "model_index.json"));
    const video = { ...index.video, guidance_scale: first, guidance_scale_2: second };
    await writeJson(join(folder, "model_index.json"), { ...index, video });
    const [made] = await generateAll(folder, [{ steps: 5, negativePrompt: "a blue square" }]);
    return made!.latent;
  }

  it("two transformers of which only the first is guided make the latent that guiding both makes", async () => {
    const latent = await latentWith([4, 1]);
    expect(relativeError(latent, await latentWith([4, JUST_ABOVE_1]))).toBeLessThan(1e-5);
    expect(relativeError(latent, await latentWith([4, 3]))).toBeGreaterThan(1e-3);
  });

  it.each([1, 0.5, 0])(
    "with a guidance scale of %s for the first of two transformers, neither is guided, as in WanPipeline",
    async (first) => {
      expect(await latentWith([first, 3])).toEqual(await latentWith([1, 1]));
    },
  );
});
