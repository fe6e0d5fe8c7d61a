import { describe, expect, it } from "vitest";
import { latentDecoder } from "../../../lib/generation/models/index.ts";
import {
  openSoraVAEDecoder,
  parseOpenSoraVAEConfig,
} from "../../../lib/generation/models/open-sora/autoencoder.ts";
import { shapesOf } from "../pipeline/tiny-model.ts";
import { readGolden, relativeError } from "./golden.ts";
import { decodeCase, videoVector } from "./video-decoding.ts";

// Worst error measured: 1.1e-6.
const TOLERANCE = 1e-5;

/** The golden's 2-D autoencoder, which no config of Open-Sora describes. */
const spatial = { blockChannels: [8, 12], layersPerBlock: 1, outChannels: 3, groups: 4, hasAttention: true };

describe("the decoder of Open-Sora 1.2", async () => {
  const golden = await readGolden("open-sora-vae");
  const decoder = openSoraVAEDecoder(parseOpenSoraVAEConfig(golden.config), spatial);
  const published = latentDecoder({
    className: "OpenSoraVAE_V1_2",
    config: {
      ...golden.config,
      vae_temporal: { type: "VAE_Temporal_SD", from_pretrained: null },
    },
  });

  it.each([
    { index: 0, latent: "an image", frames: 1 },
    { index: 1, latent: "five latent frames", frames: 17 },
    { index: 2, latent: "ten latent frames", frames: 34 },
  ])("the Open-Sora decoder agrees with the authors' modules on $latent", async ({ index, frames }) => {
    const expected = await videoVector(golden, index, "frames");
    const pictures = await decodeCase(golden, decoder, index);
    expect(pictures.shape[0]).toBe(frames);
    expect(relativeError(pictures, expected.data)).toBeLessThan(TOLERANCE);
    expect(golden.weights.unused()).toEqual([]);
  });

  it("the Open-Sora decoder gives other pictures when it decodes all latent frames at once", async () => {
    const expected = await videoVector(golden, 2, "frames");
    const pictures = await decodeCase(golden, decoder, 2, { runs: [{ frames: 10 }] });
    expect(pictures.shape[0]).toBe(37);
    expect(
      relativeError({ ...pictures, data: pictures.data.slice(0, expected.data.length) }, expected.data),
    ).toBeGreaterThan(1e-2);
  });

  it("the Open-Sora decoder lowers to graphs without fused operators that compute the same", async () => {
    const pictures = await decodeCase(golden, decoder, 1, { provider: "webgpu" });
    expect(relativeError(pictures, (await videoVector(golden, 1, "frames")).data)).toBeLessThan(TOLERANCE);
  });

  it("the Open-Sora decoder knows the latent frames of a video, and refuses impossible lengths", () => {
    expect([1, 17, 51, 102, 408].map(published.latentFrames)).toEqual([1, 5, 15, 30, 120]);
    expect(published.runs({ frames: 15, height: 20, width: 16 })).toEqual(Array(3).fill({ frames: 5 }));
    expect(published.runs({ frames: 1, height: 60, width: 106 })).toEqual([{ frames: 1 }]);
    expect(() => published.latentFrames(16)).toThrow(
      "This model makes an image or videos of 17, 34, 51 and so on frames, not 16.",
    );
    expect(() => published.latentFrames(0)).toThrow(RangeError);
  });

  it("the Open-Sora decoder asks for the 276 tensors and 214,756,151 parameters of the published decoder", () => {
    const shapes = shapesOf((weights) => published.build({ frames: 5, height: 8, width: 8 }, { weights }));
    const parameters = [...shapes.values()].map((shape) => shape.reduce((size, extent) => size * extent, 1));
    expect(shapes.size).toBe(276);
    expect(parameters.reduce((sum, size) => sum + size, 0)).toBe(214_756_151);
    expect(published.scale).toBe(8);
  });

  it("the Open-Sora decoder makes all frames of a large latent first, and then one picture after another", () => {
    expect(published.runs({ frames: 15, height: 60, width: 106 })).toEqual([
      ...Array(3).fill({ frames: 5, makesFeatures: true }),
      ...Array(51).fill({ frames: 1, takesFeatures: true }),
    ]);
  });

  it.each([2 ** 25, 2000, 1])(
    "the Open-Sora decoder agrees with the authors' modules on pictures one by one, in bands of %d elements or a row",
    async (elements) => {
      const inBands = openSoraVAEDecoder(parseOpenSoraVAEConfig(golden.config), spatial, elements);
      const runs = [
        ...Array(2).fill({ frames: 5, makesFeatures: true }),
        ...Array(34).fill({ frames: 1, takesFeatures: true }),
      ];
      const pictures = await decodeCase(golden, inBands, 2, { runs });
      const expected = await videoVector(golden, 2, "frames");
      expect(relativeError(pictures, expected.data)).toBeLessThan(TOLERANCE);
    },
  );

  it("the Open-Sora decoder refuses unsupported configs by the member's name", () => {
    const parse = (change: object) => () => parseOpenSoraVAEConfig({ ...golden.config, ...change });
    expect(parse({ vae_temporal: { type: "VAE_Causal" } })).toThrow(/OpenSoraVAE_V1_2.*vae_temporal.type/);
    expect(parse({ vae_2d: { type: "VideoAutoencoderKLTemporalDecoder" } })).toThrow(/vae_2d.type/);
    expect(parse({ micro_frame_size: 16 })).toThrow(/micro_frame_size must be one more than a multiple/);
    expect(parse({ micro_frame_size: null })).toThrow(/micro_frame_size/);
    expect(parse({ cal_loss: true })).toThrow(/cal_loss/);
    const temporal = { ...golden.config.vae_temporal, temporal_downsample: [true] };
    expect(parse({ vae_temporal: temporal })).toThrow(/temporal_downsample must have one entry less/);
  });
});
