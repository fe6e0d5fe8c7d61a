import { describe, expect, it } from "vitest";
import { type LatentDecoder, latentDecoder } from "../../../lib/generation/models/index.ts";
import {
  autoencoderKLTemporalDecoder,
  parseAutoencoderKLTemporalDecoderConfig,
} from "../../../lib/generation/models/latte/temporal-decoder.ts";
import { shapesOf } from "../pipeline/tiny-model.ts";
import { float32, readGolden, relativeError, run } from "./golden.ts";

// Worst error measured: 6e-7.
const TOLERANCE = 1e-5;

describe("the temporal KL decoder", async () => {
  const golden = await readGolden("autoencoder-kl-temporal-decoder");
  const whole = latentDecoder({ className: "AutoencoderKLTemporalDecoder", config: golden.config });

  /** Decodes a golden latent run by run. */
  async function decode(
    index: number,
    runs: readonly { readonly frames: number }[],
    { provider, decoder = whole }: { provider?: "webgpu"; decoder?: LatentDecoder } = {},
  ) {
    const { shape } = golden.vectors.info(`${index}.latent`);
    const [, channels, height, width] = shape as [number, number, number, number];
    const latent = await golden.vectors.read(`${index}.latent`); // [F, C, H, W]
    const pictures: number[] = [];
    let first = 0;
    for (const { frames } of runs) {
      const size = channels * height * width;
      const part = float32(latent.slice(first * size, (first + frames) * size), [frames, ...shape.slice(1)]);
      const graph = decoder.build({ frames, height, width }, { ...golden, ...(provider && { provider }) });
      const out = await run(graph, golden.weights, { latent: part });
      expect(out.frames!.shape).toEqual([frames, 3, height * decoder.scale, width * decoder.scale]);
      pictures.push(...(out.frames!.data as Float32Array));
      first += frames;
    }
    return float32(Float32Array.from(pictures), [pictures.length]);
  }

  it("the temporal KL decoder agrees with diffusers on sixteen frames in the runs of its pipelines, fourteen and two", async () => {
    const runs = whole.runs({ frames: 16, height: 2, width: 3 });
    expect(runs).toEqual([{ frames: 14 }, { frames: 2 }]);
    expect(relativeError(await decode(0, runs), await golden.vectors.read("0.frames"))).toBeLessThan(
      TOLERANCE,
    );
    expect(golden.weights.unused()).toEqual([]);
  });

  it("the temporal KL decoder agrees with diffusers on a single frame", async () => {
    const runs = whole.runs({ frames: 1, height: 3, width: 2 });
    expect(runs).toEqual([{ frames: 1 }]);
    expect(relativeError(await decode(1, runs), await golden.vectors.read("1.frames"))).toBeLessThan(
      TOLERANCE,
    );
  });

  it.each([3000, 1])(
    "the temporal KL decoder agrees with diffusers in bands of %d elements, or a row",
    async (elements) => {
      const config = parseAutoencoderKLTemporalDecoderConfig(golden.config);
      const pictures = await decode(0, [{ frames: 14 }, { frames: 2 }], {
        decoder: autoencoderKLTemporalDecoder(config, elements),
      });
      expect(relativeError(pictures, await golden.vectors.read("0.frames"))).toBeLessThan(TOLERANCE);
    },
  );

  it("the temporal KL decoder depends on its runs, which are 14 frames whatever the memory", async () => {
    const together = await decode(0, [{ frames: 16 }]);
    expect(relativeError(together, await golden.vectors.read("0.frames"))).toBeGreaterThan(1e-2);
    expect(whole.runs({ frames: 28, height: 512, width: 512 })).toEqual([{ frames: 14 }, { frames: 14 }]);
  });

  it("the temporal KL decoder lowers to graphs without fused operators that compute the same", async () => {
    const pictures = await decode(1, [{ frames: 1 }], { provider: "webgpu" });
    expect(relativeError(pictures, await golden.vectors.read("1.frames"))).toBeLessThan(TOLERANCE);
  });

  it("the temporal KL decoder asks for the 266 tensors and 63,579,183 parameters of the published decoder", () => {
    const published = { ...golden.config, block_out_channels: [128, 256, 512, 512] };
    const full = latentDecoder({ className: "AutoencoderKLTemporalDecoder", config: published });
    const shapes = shapesOf((weights) => full.build({ frames: 14, height: 64, width: 64 }, { weights }));
    const parameters = [...shapes.values()].map((shape) => shape.reduce((size, extent) => size * extent, 1));
    expect(shapes.size).toBe(266);
    expect(parameters.reduce((sum, size) => sum + size, 0)).toBe(63_579_183);
    expect(full.scale).toBe(8);
  });

  it("the temporal KL decoder has as many latent frames as the video has", () => {
    expect([1, 16].map((frames) => whole.latentFrames(frames))).toEqual([1, 16]);
  });

  it("the temporal KL decoder refuses unsupported configs by the member's name", () => {
    const parse = (change: object) => () =>
      autoencoderKLTemporalDecoder(parseAutoencoderKLTemporalDecoderConfig({ ...golden.config, ...change }));
    expect(parse({ layers_per_block: 1 })).toThrow(/AutoencoderKLTemporalDecoder.*layers_per_block/);
    expect(parse({ block_out_channels: [32, 48] })).toThrow(/block_out_channels entry 2/);
    expect(parse({ scaling_factor: 0 })).toThrow(/scaling_factor/);
  });
});
