import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import {
  autoencoderKLDecoder,
  parseAutoencoderKLConfig,
} from "../../../lib/generation/models/autoencoder-kl/autoencoder-kl.ts";
import { imageEncoder } from "../../../lib/generation/models/index.ts";
import { float32, type Golden, readGolden, relativeError, run, withHeader } from "./golden.ts";

// Worst error measured: 9.1e-7.
const TOLERANCE = 1e-5;

async function errorOf({ config, vectors }: Golden, weights: Checkpoint, bandElements?: number) {
  const decoder = autoencoderKLDecoder(parseAutoencoderKLConfig(config), bandElements);
  const { shape } = vectors.info("latent");
  const [frames, , height, width] = shape as [number, number, number, number];
  const graph = decoder.build({ frames, height, width }, { weights });
  const outputs = await run(graph, weights, { latent: float32(await vectors.read("latent"), shape) });
  expect(outputs.frames!.shape).toEqual([frames, 3, height * decoder.scale, width * decoder.scale]);
  return relativeError(outputs.frames, await vectors.read("frames"));
}

describe("the KL encoder", () => {
  it.each(["autoencoder-kl-encoder", "autoencoder-kl-shifted-encoder"])(
    "the KL encoder gives the mean of diffusers, scaled and shifted as its latents are: %s",
    async (name) => {
      const { config, weights, vectors } = await readGolden(name);
      const encoder = imageEncoder({ className: "AutoencoderKL", config });
      const { shape } = vectors.info("latent");
      const [, , , height, width] = shape as [number, number, number, number, number];
      const picture = float32(await vectors.read("picture"), [1, 3, 16, 24]);
      const { latent } = await run(encoder.build({ height, width }, { weights }), weights, { picture });
      expect(latent!.shape).toEqual(shape);
      expect(relativeError(latent, await vectors.read("latent"))).toBeLessThan(TOLERANCE);
      expect(weights.unused()).toEqual([]);
    },
  );
});

describe("the KL decoder", async () => {
  const golden = await readGolden("autoencoder-kl");

  it("the KL decoder agrees with diffusers on two frames and three levels", async () => {
    expect(await errorOf(golden, golden.weights)).toBeLessThan(TOLERANCE);
    expect(golden.weights.unused()).toEqual([]);
  });

  it("the KL decoder agrees with diffusers on four levels with a shift and without the 1x1 convolution", async () => {
    const shifted = await readGolden("autoencoder-kl-shifted");
    expect(await errorOf(shifted, shifted.weights)).toBeLessThan(TOLERANCE);
    expect(shifted.weights.unused()).toEqual([]);
  });

  it.each([2 ** 12, 1000, 1])(
    "the KL decoder agrees with diffusers in bands of %d elements, or a row",
    async (bandElements) => {
      expect(await errorOf(golden, golden.weights, bandElements)).toBeLessThan(TOLERANCE);
    },
  );

  it.each(["matrices", "1x1 convolutions"])(
    "the KL decoder reads the attention of older checkpoints, stored as %s",
    async (form) => {
      const older: Record<string, string> = {
        to_q: "query",
        to_k: "key",
        to_v: "value",
        "to_out.0": "proj_attn",
      };
      const renamed = await withHeader(golden, (name, entry) => {
        const part = /attentions\.0\.(to_.+)\.(weight|bias)$/.exec(name);
        if (!part) return [name, entry];
        const isConvolution = part[2] === "weight" && form !== "matrices";
        const shape = isConvolution ? [...entry.shape, 1, 1] : entry.shape;
        return [name.replace(part[1]!, older[part[1]!]!), { ...entry, shape }];
      });
      expect(await errorOf(golden, renamed)).toBeLessThan(TOLERANCE);
    },
  );

  it("the KL decoder refuses unsupported configs by the member's name", () => {
    const parse = (change: object) => () => parseAutoencoderKLConfig({ ...golden.config, ...change });
    expect(parse({ act_fn: "relu" })).toThrow(/AutoencoderKL.*act_fn/);
    expect(parse({ latents_mean: [0, 0, 0, 0] })).toThrow(/latents_mean/);
    expect(parse({ norm_num_groups: 5 })).toThrow(/block_out_channels must be multiples of norm_num_groups/);
    expect(parse({ up_block_types: ["AttnUpDecoderBlock2D"] })).toThrow(/up_block_types/);
  });
});
