/**
 * Whole generations compared with diffusers' WanPipeline with two transformers, as in Wan 2.2 A14B
 * (tools/golden/pipeline_wan_two.py).
 */
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import {
  describeModel,
  measureReuse,
  openPipeline,
  type PipelineOptions,
} from "../../../lib/generation/pipeline/index.ts";
import { requestFor, type Wanted } from "./request-for.ts";
import { writeJson } from "./tiny-model.ts";

interface Golden {
  readonly boundaryRatio: number;
  readonly scheduler: object;
  readonly cases: readonly {
    readonly steps: number;
    readonly guidanceScale: number;
    readonly guidanceScale2: number | null;
    readonly prompt: string;
    readonly negativePrompt: string | null;
    readonly seed: number;
    /** First step of the second transformer. */
    readonly secondFrom: number;
  }[];
}

const pipelines = join(import.meta.dirname, "../../golden/pipelines");
const golden = join(pipelines, "wan-two-transformers");
const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer");
const readJson = async (path: string) => JSON.parse(await readFile(path, "utf8"));
const { boundaryRatio, scheduler, cases }: Golden = await readJson(join(golden, "cases.json"));
const vectors = await Checkpoint.open(join(golden, "vectors.safetensors"));
const one = await readJson(join(pipelines, "wan/model_index.json"));
const index = {
  ...one,
  transformer_2: ["diffusers", "WanTransformer3DModel"],
  boundary_ratio: boundaryRatio,
  video: {
    ...one.video,
    guidance_scale: cases[0]!.guidanceScale,
    guidance_scale_2: cases[0]!.guidanceScale2,
  },
};

const together: PipelineOptions = { threads: 1, memoryBytes: 2 ** 30 };
const inTurn: PipelineOptions = { threads: 1, memoryBytes: 2 ** 10 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-wan-two-"));
  await cp(join(pipelines, "wan"), folder, { recursive: true });
  await cp(join(golden, "transformer_2"), join(folder, "transformer_2"), { recursive: true });
  await cp(tokenizer, join(folder, "tokenizer"), { recursive: true });
  await writeJson(join(folder, "scheduler/scheduler_config.json"), scheduler);
  await writeJson(join(folder, "model_index.json"), index);
});
afterAll(() => rm(folder, { recursive: true }));

function requestOf({ steps, guidanceScale, prompt, negativePrompt, seed }: Golden["cases"][number]) {
  return { steps, guidanceScale, prompt, seed, ...(negativePrompt !== null && { negativePrompt }) };
}

async function generateAll(options: PipelineOptions, cache: unknown = "off") {
  const pipeline = await openPipeline(folder, options);
  try {
    const generations = [];
    for (const goldenCase of cases)
      generations.push(await pipeline.generate(requestFor(pipeline, { ...requestOf(goldenCase), cache })));
    return generations;
  } finally {
    await pipeline.close();
  }
}

async function latentsOf(wanted: readonly Omit<Wanted, "cache">[]): Promise<Float32Array[]> {
  const pipeline = await openPipeline(folder, together);
  try {
    const latents = [];
    for (const each of wanted) {
      const request = requestFor(pipeline, { ...each, cache: "off" });
      latents.push((await pipeline.generate(request)).latent);
    }
    return latents;
  } finally {
    await pipeline.close();
  }
}

describe("two transformers", () => {
  it.each([
    { memory: "both", options: together },
    { memory: "one of them", options: inTurn },
  ])("two transformers make diffusers' latents, where memory holds $memory", async ({ options }) => {
    for (const [i, { latent }] of (await generateAll(options)).entries()) {
      const expected = await vectors.read(`${i}.latent`); // [C, F, H, W]
      const largest = Math.max(...expected.map(Math.abs));
      const errors = expected.map((value, at) => Math.abs(value - latent[at]!));
      // Worst error measured: 5.5e-6.
      expect(Math.max(...errors) / largest).toBeLessThan(1e-4);
    }
  });

  it("a request that names both guidance scales makes the latent of a model whose defaults they are", async () => {
    const { prompt, seed, steps } = cases[1]!;
    const [one, other] = await latentsOf([
      { prompt, seed, steps },
      { prompt, seed, steps, guidanceScale: 2, guidanceScale2: 5 },
      { prompt, seed, steps, guidanceScale: 2 },
    ]);
    expect(one).not.toEqual(other);
    await writeJson(join(folder, "model_index.json"), {
      ...index,
      video: { ...index.video, guidance_scale: 2, guidance_scale_2: 5 },
    });
    const [byDefault] = await latentsOf([{ prompt, seed, steps }]);
    await writeJson(join(folder, "model_index.json"), index);
    expect(other).toEqual(byDefault);
  });

  it("a folder with two transformers tells that it has a second guidance scale, also where it names none", async () => {
    const { guidance_scale_2: _, ...video } = index.video;
    await writeJson(join(folder, "model_index.json"), { ...index, video });
    const { limits } = await describeModel(folder);
    await writeJson(join(folder, "model_index.json"), index);
    expect(limits.guidance_scale_2).toBe(limits.guidance_scale);
    expect((await describeModel(folder)).limits.guidance_scale_2).toBe(cases[0]!.guidanceScale2);
  });

  it("an audit opens the first transformer again, and says what it measured whatever the policy is", async () => {
    const pipeline = await openPipeline(folder, inTurn);
    try {
      const wanted = { ...requestOf(cases[0]!), cache: "static:2", audit: true };
      const { notes, promise } = await pipeline.generate(requestFor(pipeline, wanted));
      expect(promise).toBeNull();
      expect(notes.at(-1)).toMatch(/^An audit measured \d+\.\d dB against the video without cache\.$/);
    } finally {
      await pipeline.close();
    }
  });

  it("two transformers share no residual: the second begins with a computed step without change", async () => {
    const lazy = { codebook: [{ rate: 99 }], warmup: 0 };
    for (const [i, { trace }] of (await generateAll(together, lazy)).entries()) {
      const { secondFrom, steps } = cases[i]!;
      const computed = trace.schedule.filter((step) => step.computed).map(({ step }) => step - 1);
      // The second step of each transformer is computed too, because the first measures no change.
      const begun = [0, 1, secondFrom, secondFrom + 1].filter((step) => step < steps);
      expect(computed).toEqual([...new Set([...begun, steps - 2, steps - 1])].toSorted((a, b) => a - b));
      expect(trace.schedule[secondFrom]!.change).toBeNull();
    }
  });
});

it("calibration measures no change from one transformer to the other", async () => {
  const { steps, secondFrom } = cases[0]!;
  const { name: model, limits } = await describeModel(folder);
  const requests = [requestFor({ model, limits }, requestOf(cases[0]!))];
  const [run] = await measureReuse(folder, { requests, reach: 3, options: together });
  const earlier = (step: number) => Math.min(3, step < secondFrom ? step : step - secondFrom);
  const expected = Array.from({ length: steps }, (_, step) => earlier(step));
  expect(run!.errors.map(({ length }) => length)).toEqual(expected);
  expect(run!.changes.map(({ length }) => length)).toEqual(expected);
});

describe("a model of two transformers is refused", () => {
  const { boundary_ratio: _, ...withoutBoundary } = index;
  it.each([
    [
      "that does not say when the second takes over",
      withoutBoundary,
      /boundary_ratio must say when transformer_2 takes over, and is missing$/,
    ],
    [
      "that lacks the second",
      { ...index, transformer_2: [null, null] },
      /the model has no part transformer_2, only transformer, text_encoder, tokenizer, vae, scheduler$/,
    ],
    ["whose boundary is a timestep", { ...index, boundary_ratio: 875 }, /must be a number between 0 and 1$/],
  ])("a model of two transformers %s is refused", async (_title, changed, sentence) => {
    await writeJson(join(folder, "model_index.json"), changed);
    await expect(openPipeline(folder, together)).rejects.toThrow(sentence);
  });
});
