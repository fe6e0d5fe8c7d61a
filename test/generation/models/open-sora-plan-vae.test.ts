import { describe, expect, it } from "vitest";
import { latentDecoder } from "../../../lib/generation/models/index.ts";
import {
  causalVAEDecoder,
  parseCausalVAEConfig,
} from "../../../lib/generation/models/open-sora-plan/autoencoder.ts";
import { shapesOf } from "../pipeline/tiny-model.ts";
import { readGolden, relativeError } from "./golden.ts";
import { decodeCase, videoVector } from "./video-decoding.ts";

// Worst error measured: 7.7e-7.
const TOLERANCE = 1e-5;

/** Settings of the goldens, smaller than those in the authors' code. */
const whole = { groups: 2, tilePixels: 256, tileFrames: 65, bandElements: 2 ** 25 };
const tiled = { groups: 2, tilePixels: 16, tileFrames: 9, bandElements: 2 ** 25 };

describe("the decoder of Open-Sora-Plan 1.1", async () => {
  const golden = await readGolden("open-sora-plan-vae");
  const config = parseCausalVAEConfig(golden.config);
  const decoder = causalVAEDecoder(config, whole);
  const publishedConfig = {
    ...golden.config,
    hidden_size: 128,
    hidden_size_mult: [1, 2, 4, 4],
    z_channels: 4,
    num_res_blocks: 2,
    decoder_resnet_blocks: Array(4).fill("ResnetBlock3D"),
    decoder_spatial_upsample: ["", "SpatialUpsample2x", "SpatialUpsample2x", "SpatialUpsample2x"],
    decoder_temporal_upsample: ["", "", "TimeUpsampleRes2x", "TimeUpsampleRes2x"],
  };
  const published = latentDecoder({ className: "CausalVAEModel", config: publishedConfig });

  it.each([
    { index: 0, latentFrames: 1, frames: 1 },
    { index: 1, latentFrames: 2, frames: 5 },
    { index: 2, latentFrames: 5, frames: 17 },
  ])(
    "the Open-Sora-Plan decoder agrees with the authors' module on $latentFrames latent frames",
    async ({ index, frames }) => {
      const pictures = await decodeCase(golden, decoder, index);
      expect(pictures.shape[0]).toBe(frames);
      const expected = await videoVector(golden, index, "frames");
      expect(relativeError(pictures, expected.data)).toBeLessThan(TOLERANCE);
      expect(golden.weights.unused()).toEqual([]);
    },
  );

  it("the Open-Sora-Plan decoder agrees with the authors' module in tiles along all three axes, which give other pictures", async () => {
    const inTiles = causalVAEDecoder(config, tiled);
    expect(inTiles.runs({ frames: 5, height: 7, width: 4 })).toEqual([
      { frames: 3, isContinued: true },
      { frames: 2, continues: true },
    ]);
    const pictures = await decodeCase(golden, inTiles, 2);
    const expected = await videoVector(golden, 2, "tiled");
    expect(relativeError(pictures, expected.data)).toBeLessThan(TOLERANCE);
    expect(relativeError(pictures, (await videoVector(golden, 2, "frames")).data)).toBeGreaterThan(1e-2);
  });

  it.each([20000, 5000])(
    "the Open-Sora-Plan decoder agrees with the authors' module in bands of %d elements",
    async (bandElements) => {
      const inBands = causalVAEDecoder(config, { ...whole, bandElements });
      const expected = await videoVector(golden, 2, "frames");
      expect(relativeError(await decodeCase(golden, inBands, 2), expected.data)).toBeLessThan(TOLERANCE);
      const tiles = causalVAEDecoder(config, { ...tiled, bandElements });
      const inTiles = await videoVector(golden, 2, "tiled");
      expect(relativeError(await decodeCase(golden, tiles, 2), inTiles.data)).toBeLessThan(TOLERANCE);
    },
  );

  it("the Open-Sora-Plan decoder agrees with the authors' module on the attention and the upsampling of version 1.0", async () => {
    const first = await readGolden("open-sora-plan-vae-1.0");
    const older = causalVAEDecoder(parseCausalVAEConfig(first.config), whole);
    const pictures = await decodeCase(first, older, 0);
    const expected = await videoVector(first, 0, "frames");
    expect(relativeError(pictures, expected.data)).toBeLessThan(TOLERANCE);
    expect(first.weights.unused()).toEqual([]);
  });

  it("the Open-Sora-Plan decoder lowers to graphs without fused operators that compute the same", async () => {
    const pictures = await decodeCase(golden, decoder, 1, { provider: "webgpu" });
    expect(relativeError(pictures, (await videoVector(golden, 1, "frames")).data)).toBeLessThan(TOLERANCE);
  });

  it("the Open-Sora-Plan decoder cuts a long latent where the authors do, with one latent frame of overlap", () => {
    const runs = (frames: number) => published.runs({ frames, height: 64, width: 64 });
    const later = { frames: 16, continues: true, isContinued: true };
    expect(runs(1)).toEqual([{ frames: 1 }]);
    expect(runs(17)).toEqual([{ frames: 17 }]);
    expect(runs(18)).toEqual([
      { frames: 17, isContinued: true },
      { frames: 1, continues: true },
    ]);
    expect(runs(56)).toEqual([
      { frames: 17, isContinued: true },
      later,
      later,
      { frames: 7, continues: true },
    ]);
  });

  it("the Open-Sora-Plan decoder knows the latent frames of a video, and refuses impossible lengths", () => {
    expect([1, 65, 221].map(published.latentFrames)).toEqual([1, 17, 56]);
    expect(() => published.latentFrames(64)).toThrow(
      "This model makes videos of 1, 5, 9 and so on frames, not 64.",
    );
    expect(() => published.latentFrames(-3)).toThrow(RangeError);
  });

  it("the Open-Sora-Plan decoder asks for the 146 tensors and 149,510,169 parameters of the published decoder", () => {
    const extent = { frames: 17, height: 32, width: 32 };
    const shapes = shapesOf((weights) => published.build(extent, { weights }));
    const parameters = [...shapes.values()].map((shape) => shape.reduce((size, extent) => size * extent, 1));
    expect(shapes.size).toBe(146);
    expect(parameters.reduce((sum, size) => sum + size, 0)).toBe(149_510_169);
    expect(published.scale).toBe(8);
  });

  it("the Open-Sora-Plan decoder refuses unsupported configs by the member's name", () => {
    const parse = (change: object) => () => parseCausalVAEConfig({ ...golden.config, ...change });
    expect(parse({ decoder_attention: "AttnBlock" })).toThrow(/CausalVAEModel.*decoder_attention/);
    expect(parse({ decoder_resnet_blocks: ["ResnetBlock2D", "ResnetBlock3D", "ResnetBlock3D"] })).toThrow(
      /decoder_resnet_blocks entry 1 must be ResnetBlock3D\.$/,
    );
    expect(parse({ decoder_temporal_upsample: ["", "", "TimeUpsampleResAdv2x"] })).toThrow(
      /decoder_temporal_upsample entry 3/,
    );
    expect(parse({ decoder_spatial_upsample: ["", ""] })).toThrow(/hidden_size_mult must have an entry for/);
    expect(parse({ attn_resolutions: [16] })).toThrow(/attn_resolutions/);
    expect(parse({ q_conv: "Conv2d", decoder_conv_in: "Conv2d" })).toThrow(/q_conv.*decoder_conv_in/);
  });
});
