import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convertModel } from "../../../lib/generation/checkpoint/index.ts";
import { openPipeline, type PipelineOptions, type Stage } from "../../../lib/generation/pipeline/index.ts";
import { requestFor } from "./request-for.ts";
import { writeTinyModel } from "./tiny-model.ts";

/** Memory that holds all parts at once, and memory that holds none of them. */
const ROOMY: PipelineOptions = { threads: 1, memoryBytes: 2 ** 40 };
const TIGHT: PipelineOptions = { threads: 1, memoryBytes: 2 ** 10 };

let folder: string;
let bfloat16: string;
/** The weights of `bfloat16`, stored in float32. */
let float32: string;
beforeAll(async () => {
  folder = await writeTinyModel();
  bfloat16 = join(await mkdtemp(join(tmpdir(), "adareel-held-")), "bfloat16");
  float32 = join(bfloat16, "../float32");
  await convertModel({ folder, out: bfloat16, dtype: "bfloat16" });
  await convertModel({ folder: bfloat16, out: float32, dtype: "float32" });
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await rm(join(bfloat16, ".."), { recursive: true });
});

/** Generates two videos of one shape, and returns the second one's bytes and the stages of each. */
async function generateTwice(model: string, options: PipelineOptions, asked: object = {}) {
  const pipeline = await openPipeline(model, options);
  try {
    const stages: Stage[][] = [];
    const videos = [];
    for (const seed of [1, 2]) {
      const said: Stage[] = [];
      const request = requestFor(pipeline, { prompt: "a red circle", seed, steps: 4, ...asked });
      const onProgress = ({ stage }: { stage: Stage }) => {
        if (said.at(-1) !== stage) said.push(stage);
      };
      videos.push(await pipeline.generate(request, { onProgress }));
      stages.push(said);
    }
    const { latent, frames } = videos[1]!;
    return { stages, latent: Buffer.from(latent.buffer).toString("hex"), rgb: Buffer.from(frames.rgb) };
  } finally {
    await pipeline.close();
  }
}

describe("parts of a model", () => {
  it("parts stay open where memory holds them all, and the second video loads nothing later", async () => {
    const { stages } = await generateTwice(folder, ROOMY);
    const once = ["load", "encode", "denoise", "decode"];
    expect(stages).toEqual([once, once]);
  });

  it("parts are opened when they are needed where memory holds one, which progress tells as loading", async () => {
    const { stages } = await generateTwice(folder, TIGHT);
    const inTurn = ["load", "encode", "load", "denoise", "load", "decode"];
    expect(stages).toEqual([inTurn, inTurn]);
  });

  it("a video has the same bits whatever stays open", async () => {
    const [roomy, tight] = [await generateTwice(folder, ROOMY), await generateTwice(folder, TIGHT)];
    expect(tight.latent).toBe(roomy.latent);
    expect(tight.rgb.equals(roomy.rgb)).toBe(true);
  });

  it("an audit and a promise of seconds open released parts again", async () => {
    const asked = { cache: "static:2", audit: true };
    const [roomy, tight] = [
      await generateTwice(folder, ROOMY, asked),
      await generateTwice(folder, TIGHT, asked),
    ];
    expect(tight.latent).toBe(roomy.latent);
    const promised = await generateTwice(folder, TIGHT, { cache: "at_most:1000s" });
    expect(promised.stages).toHaveLength(2);
  });
});

it("a bfloat16 model gives the bits of the same weights in float32, whether it copies or casts them", async () => {
  const mapped: PipelineOptions = { ...TIGHT, mappedBytesMin: 0 };
  // The kernels for copied and for mapped weights round differently.
  for (const options of [ROOMY, mapped]) {
    const [sixteen, thirtyTwo] = [
      await generateTwice(bfloat16, options),
      await generateTwice(float32, options),
    ];
    expect(sixteen.latent).toBe(thirtyTwo.latent);
    expect(sixteen.rgb.equals(thirtyTwo.rgb)).toBe(true);
  }
});
