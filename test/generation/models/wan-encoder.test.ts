import { describe, expect, it } from "vitest";
import { imageEncoder, latentDecoder } from "../../../lib/generation/models/index.ts";
import { parseAutoencoderKLWanConfig } from "../../../lib/generation/models/wan/autoencoder.ts";
import { autoencoderKLWanEncoder } from "../../../lib/generation/models/wan/encoder.ts";
import type { Provider, Tensor } from "../../../lib/generation/onnx/index.ts";
import { shapesOf } from "../pipeline/tiny-model.ts";
import { float32, type Golden, readGolden, relativeError, run } from "./golden.ts";

// Worst error measured: 4.1e-7.
const TOLERANCE = 1e-5;

interface Run {
  readonly frames: number;
  readonly continues?: boolean;
  readonly isContinued?: boolean;
}

const first = { frames: 1, isContinued: true };
const later = (frames: number) => ({ frames, continues: true, isContinued: true });

/** Encodes video `index` in the given runs and returns the worst error of the latent. */
async function errorOf(golden: Golden, index: number, runs: readonly Run[], provider: Provider = "cpu") {
  const encoder = autoencoderKLWanEncoder(parseAutoencoderKLWanConfig(golden.config));
  const [count, , height, width] = golden.vectors.info(`${index}.video`).shape as [
    number,
    number,
    number,
    number,
  ];
  expect(runs.reduce((sum, { frames }) => sum + frames, 0)).toBe(count);
  const video = await golden.vectors.read(`${index}.video`); // [P, 3, H, W]
  const [, channels, latentFrames, latentHeight, latentWidth] = golden.vectors.info(`${index}.latent`)
    .shape as [number, number, number, number, number];
  const area = latentHeight * latentWidth;
  const latent = new Float32Array(channels * latentFrames * area);
  let left: Record<string, Tensor> = {};
  let [from, at] = [0, 0];
  for (const part of runs) {
    const size = { height: latentHeight, width: latentWidth };
    const graph = encoder.build({ ...part, ...size }, { weights: golden.weights, provider });
    const frame = 3 * height * width;
    const data = video.slice(from * frame, (from + part.frames) * frame);
    const feeds = { ...left, picture: float32(data, [part.frames, 3, height, width]) };
    const { latent: encoded, ...after } = await run(graph, golden.weights, feeds);
    const frames = encoded!.shape[2]!;
    for (let c = 0; c < channels; c++) {
      const plane = (encoded!.data as Float32Array).subarray(c * frames * area, (c + 1) * frames * area);
      latent.set(plane, (c * latentFrames + at) * area);
    }
    left = Object.fromEntries(
      Object.entries(after).map(([name, tensor]) => [name.replace(/^after\./, "before."), tensor]),
    );
    from += part.frames;
    at += frames;
  }
  expect(at).toBe(latentFrames);
  return relativeError(float32(latent, [latent.length]), await golden.vectors.read(`${index}.latent`));
}

describe("the encoder of Wan's autoencoder", async () => {
  const golden = await readGolden("autoencoder-kl-wan-encoder");
  const encoder = autoencoderKLWanEncoder(parseAutoencoderKLWanConfig(golden.config));

  it.each([
    [0, 1],
    [1, 5],
    [2, 9],
    [3, 17],
  ])("the Wan encoder agrees with diffusers on video %d, %d frames in one run", async (index, frames) => {
    expect(await errorOf(golden, index, [{ frames }])).toBeLessThan(TOLERANCE);
  });

  it.each([
    ["four frames at a time", [first, later(4), later(4), later(4), later(4)]],
    ["eight frames at a time", [first, later(8), later(8)]],
    ["five frames, and then twelve", [{ frames: 5, isContinued: true }, later(12)]],
  ])("the Wan encoder agrees with diffusers where one run continues another: %s", async (_, runs) => {
    expect(await errorOf(golden, 3, runs)).toBeLessThan(TOLERANCE);
  });

  it("the Wan encoder lowers to graphs without fused operators that compute the same", async () => {
    expect(await errorOf(golden, 1, [{ frames: 5 }], "webgpu")).toBeLessThan(TOLERANCE);
  });

  it("the Wan encoder reads every tensor of its checkpoint, in one run or in a later one", async () => {
    for (const run of [{ frames: 5 }, later(4)]) {
      const { weights } = await readGolden("autoencoder-kl-wan-encoder");
      encoder.build({ ...run, height: 2, width: 3 }, { weights });
      expect(weights.unused()).toEqual([]);
    }
  });

  it("the Wan encoder cuts a long and large video where its decoder cuts the latent", () => {
    const decoder = latentDecoder({ className: "AutoencoderKLWan", config: golden.config });
    for (const size of [
      { height: 8, width: 8 },
      { height: 60, width: 104 },
      { height: 16, width: 16 },
    ]) {
      for (const frames of [1, 5, 21, 33, 49, 81]) {
        const runs = encoder.runs!({ frames, ...size });
        const runsOfDecoder = decoder.runs({ frames: decoder.latentFrames(frames), ...size });
        const latentFrames = runsOfDecoder.filter(({ strip }) => !strip);
        const made = runs.map((run) => (run.continues ? run.frames / 4 : 1 + (run.frames - 1) / 4));
        expect(made).toEqual(latentFrames.map((run) => run.frames));
        expect(runs.reduce((sum, run) => sum + run.frames, 0)).toBe(frames);
      }
    }
  });

  it("the Wan encoder asks for the parameters of the published encoder, at the decoder's scale", () => {
    const published = {
      ...golden.config,
      base_dim: 96,
      z_dim: 16,
      dim_mult: [1, 2, 4, 4],
      num_res_blocks: 2,
      latents_mean: Array(16).fill(0),
      latents_std: Array(16).fill(1),
    };
    const part = { className: "AutoencoderKLWan", config: published };
    const shapes = shapesOf((weights) =>
      imageEncoder(part).build({ frames: 5, height: 2, width: 3 }, { weights }),
    );
    const parameters = [...shapes.values()].map((shape) => shape.reduce((size, extent) => size * extent, 1));
    expect(shapes.size).toBe(86);
    expect(parameters.reduce((sum, size) => sum + size, 0)).toBe(53_596_928);
  });
});
