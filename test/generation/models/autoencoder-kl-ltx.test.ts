import { describe, expect, it } from "vitest";
import { autoencoderKLLTXDecoder } from "../../../lib/generation/models/ltx/autoencoder.ts";
import { parseAutoencoderKLLTXConfig } from "../../../lib/generation/models/ltx/autoencoder-config.ts";
import { readGolden, relativeError } from "./golden.ts";
import { decodeCase, videoVector } from "./video-decoding.ts";

// Worst error measured: 6.2e-7.
const TOLERANCE = 1e-5;

const goldens = [
  ["autoencoder-kl-ltx", "channels that change, as in 0.9.0", [1, 9]],
  ["autoencoder-kl-ltx-timestep", "a timestep, noise and residual upsamplers, as in 0.9.5", [1, 3]],
  ["autoencoder-kl-ltx-causal", "convolutions that see earlier frames only", [5]],
] as const;

describe.each(goldens)("the LTX decoder: %s (%s)", async (name, _what, lengths) => {
  const golden = await readGolden(name);
  const decoder = autoencoderKLLTXDecoder(parseAutoencoderKLLTXConfig(golden.config));

  it.each(lengths.map((frames, index) => ({ frames, index })))(
    "the LTX decoder agrees with diffusers on a video of $frames frames",
    async ({ frames, index }) => {
      const expected = await videoVector(golden, index, "frames");
      const pictures = await decodeCase(golden, decoder, index);
      expect(pictures.shape).toEqual(expected.shape.with(0, frames).with(1, 3));
      expect(relativeError(pictures, expected.data)).toBeLessThan(TOLERANCE);
    },
  );

  it("the LTX decoder lowers to graphs without fused operators that compute the same", async () => {
    const pictures = await decodeCase(golden, decoder, 0, { provider: "webgpu" });
    expect(relativeError(pictures, (await videoVector(golden, 0, "frames")).data)).toBeLessThan(TOLERANCE);
  });

  it("the LTX decoder reads every tensor of its checkpoint", async () => {
    const { weights } = await readGolden(name);
    decoder.build({ frames: 2, height: 2, width: 2 }, { weights });
    expect(weights.unused()).toEqual([]);
  });
});

describe("the LTX decoder", async () => {
  const { config } = await readGolden("autoencoder-kl-ltx");
  const published = autoencoderKLLTXDecoder(parseAutoencoderKLLTXConfig({ _class_name: "it" }));

  it("the LTX decoder has the published compression by default, and knows the latent frames of a video", () => {
    expect([published.channels, published.scale, published.takesNoise]).toEqual([128, 32, false]);
    expect([1, 9, 161, 257].map(published.latentFrames)).toEqual([1, 2, 21, 33]);
    expect(() => published.latentFrames(160)).toThrow("videos of 1, 9, 17 and so on frames, not 160.");
  });

  it("the LTX decoder decodes a latent in one run, because every frame depends on both neighbours", () => {
    expect(published.runs({ frames: 21, height: 16, width: 22 })).toEqual([{ frames: 21 }]);
  });

  it("the LTX decoder refuses what it cannot do, by the member's name", () => {
    const parse = (change: object) => () => parseAutoencoderKLLTXConfig({ ...config, ...change });
    expect(parse({ decoder_inject_noise: [true, false] })).toThrow(
      /decoder_inject_noise must be false: .*LTX-Video 0\.9\.1/,
    );
    expect(parse({ encoder_causal: false, patch_size_t: 2 })).toThrow(/patch_size_t.*encoder_causal/);
    expect(parse({ upsample_factor: [2] })).toThrow(/decoder_block_out_channels must have an entry/);
    expect(parse({ decoder_layers_per_block: [1, 1, 1] })).toThrow(/decoder_block_out_channels/);
    expect(parse({ timestep_conditioning: true })).toThrow(/timestep_conditioning must be false where/);
    expect(parse({ down_block_types: ["LTXVideoDownBlock4D"] })).toThrow(/down_block_types/);
  });
});
