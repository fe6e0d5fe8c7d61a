import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ModelFolder, openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import {
  buildUncut,
  diffusionTransformer,
  generationFeeds,
  latentDecoder,
  stepFeeds,
  type TextStates,
  textEncoder,
} from "../../../lib/generation/models/index.ts";
import { type Graph, openSession, type Session, type Tensor } from "../../../lib/generation/onnx/index.ts";
import { openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { openTokenizer } from "../../../lib/generation/pipeline/text/tokenizer.ts";
import { videoLimitsSchema } from "../../../lib/generation/request/index.ts";
import { gaussianNoise, OPEN_SORA_FLOW, rectifiedFlow } from "../../../lib/generation/sampling/index.ts";
import { requestFor } from "./request-for.ts";
import { writeTinyModel } from "./tiny-model.ts";

/**
 * Generates a video without any code of caching: one uncut graph, run at every step. `cache: "off"` has to give the
 * same bits.
 */
async function generatePlainly(
  model: ModelFolder,
  { prompt, seed, steps, guidanceScale }: typeof request,
): Promise<{ latent: Float32Array; rgb: Uint8Array }> {
  const { sizes, frames: frameCounts, fps } = videoLimitsSchema.parse(model.index.video);
  const [[width, height], frames] = [sizes[0]!, frameCounts[0]!];
  const { channels, scale } = latentDecoder(model.part("vae"));
  const latentShape = { channels, frames, height: height / scale, width: width / scale };
  const video = { latent: latentShape, height, width, fps: fps[0]! };
  const dit = diffusionTransformer(model.part("transformer"), video);

  const conditional = await encode(model, prompt, dit.text.length);
  const weights = await model.part("transformer").checkpoint();
  const unconditional = await dit.text.learntText!(weights, conditional.tokens);
  const text = generationFeeds(dit.conditions, { texts: [conditional, unconditional] });
  const transformer = await open(buildUncut(dit, { weights }), weights.root);

  const { height: latentHeight, width: latentWidth } = latentShape;
  const latent = gaussianNoise(seed, channels * frames * latentHeight * latentWidth);
  const config = { ...OPEN_SORA_FLOW, ...model.part("scheduler").config };
  const table = rectifiedFlow({ steps, height, width, latentFrames: frames, config });
  for (const [step, timestep] of table.timesteps.entries()) {
    const { prediction } = await transformer.run({
      ...text,
      ...stepFeeds(dit.conditions, timestep),
      latent: float32(latent, [1, channels, frames, latentHeight, latentWidth]),
      guidanceScale: float32(Float32Array.of(guidanceScale), []),
    });
    for (const [i, velocity] of prediction!.data.entries()) {
      latent[i] = latent[i]! + Number(velocity) * table.deltas[step]!;
    }
  }
  await transformer.release();
  return { latent, rgb: await decode(model, latent, latentShape) };
}

async function encode(model: ModelFolder, prompt: string, length: number): Promise<TextStates> {
  const part = model.part("text_encoder");
  const weights = await part.checkpoint();
  const encoder = textEncoder(part);
  const tokenizer = await openTokenizer(model.part("tokenizer").folder, model.part("tokenizer").config);
  const { ids } = tokenizer.tokenise(prompt, length);
  const session = await open(encoder.build(length, { weights }), weights.root);
  const { states } = await session.run(encoder.feeds(ids, length));
  await session.release();
  return { tokens: ids.length, data: (states!.data as Float32Array).slice(0, ids.length * encoder.width) };
}

async function decode(
  model: ModelFolder,
  latent: Float32Array, // [C, F, H, W]
  { channels, frames, height, width }: { channels: number; frames: number; height: number; width: number },
): Promise<Uint8Array> {
  const part = model.part("vae");
  const weights = await part.checkpoint();
  const session = await open(latentDecoder(part).build({ frames, height, width }, { weights }), weights.root);
  const area = height * width;
  const batch = new Float32Array(latent.length); // [F, C, H, W]
  for (let i = 0; i < latent.length; i++) {
    const [place, frame, channel] = [
      i % area,
      Math.floor(i / area) % frames,
      Math.floor(i / (area * frames)),
    ];
    batch[(frame * channels + channel) * area + place] = latent[i]!;
  }
  const out = await session.run({ latent: float32(batch, [frames, channels, height, width]) });
  await session.release();
  const [, , outHeight, outWidth] = out.frames!.shape;
  const pixels = outHeight! * outWidth!;
  const rgb = new Uint8Array(frames * pixels * 3);
  for (const [i, value] of out.frames!.data.entries()) {
    const [pixel, colour, frame] = [i % pixels, Math.floor(i / pixels) % 3, Math.floor(i / (pixels * 3))];
    const level = Math.round(((Number(value) + 1) / 2) * 255);
    rgb[(frame * pixels + pixel) * 3 + colour] = Math.min(255, Math.max(0, level));
  }
  return rgb;
}

function open(graph: Graph, weightsFolder: string): Promise<Session> {
  return openSession(graph.build(), { weightsFolder, threads: 1, weightBytes: graph.weightBytes });
}

function float32(data: Float32Array, shape: readonly number[]): Tensor {
  return { dtype: "float32", shape, data };
}

const demo = join(import.meta.dirname, "../../../models/demo");
const request = { prompt: "a red circle moves", seed: 5, steps: 9, guidanceScale: 3 };
let folder: string;

beforeAll(async () => {
  folder = await writeTinyModel();
});
afterAll(() => rm(folder, { recursive: true }));

describe('cache "off"', () => {
  async function expectSameAsPlain(model: string): Promise<void> {
    const plain = await generatePlainly(await openModelFolder(model), request);
    const pipeline = await openPipeline(model, { threads: 1 });
    const { latent, frames, trace } = await pipeline.generate(
      requestFor(pipeline, { ...request, cache: "off" }),
    );
    await pipeline.close();
    expect(trace.schedule.every(({ computed }) => computed)).toBe(true);
    expect(latent).toEqual(plain.latent);
    expect(frames.rgb).toEqual(plain.rgb);
  }

  it("the policy off gives latent and frames of a pipeline without caching code, bit for bit", () =>
    expectSameAsPlain(folder));

  it.runIf(existsSync(join(demo, "model_index.json")))(
    "the policy off is bit-identical to no caching with the demo model, too",
    () => expectSameAsPlain(demo),
  );

  it("a policy that never reuses equals the policy off, and one that reuses does not", async () => {
    const pipeline = await openPipeline(folder, { threads: 1 });
    const off = await pipeline.generate(requestFor(pipeline, { ...request, cache: "off" }));
    const never = await pipeline.generate(
      requestFor(pipeline, { ...request, cache: { codebook: [{ rate: 1 }] } }),
    );
    const second = await pipeline.generate(requestFor(pipeline, { ...request, cache: "static:2" }));
    await pipeline.close();
    expect(never.latent).toEqual(off.latent);
    expect(second.latent).not.toEqual(off.latent);
  });

  it("the policy off gives the same bits in every run, opened anew or not, with one thread or two", async () => {
    const generations = [];
    for (const threads of [1, 2]) {
      const pipeline = await openPipeline(folder, { threads });
      for (let run = 0; run < 2; run++)
        generations.push(await pipeline.generate(requestFor(pipeline, { ...request, cache: "off" })));
      await pipeline.close();
    }
    const [first, ...others] = generations;
    for (const { latent, frames } of others) {
      expect(latent).toEqual(first!.latent);
      expect(frames).toEqual(first!.frames);
    }
  });
});
