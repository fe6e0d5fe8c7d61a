/**
 * The autoencoder of Wan 2.2 TI2V-5B, compared with diffusers 0.42.1, which decodes and encodes frame by frame
 * (tools/golden/models_wan_residual.py).
 */
import { describe, expect, it } from "vitest";
import { imageEncoder, latentDecoder } from "../../../lib/generation/models/index.ts";
import type { DecoderRun } from "../../../lib/generation/models/latent-decoder.ts";
import { parseResidualWanConfig } from "../../../lib/generation/models/wan/residual-config.ts";
import { residualWanDecoder } from "../../../lib/generation/models/wan/residual-decoder.ts";
import { residualWanEncoder } from "../../../lib/generation/models/wan/residual-encoder.ts";
import type { Provider, Tensor } from "../../../lib/generation/onnx/index.ts";
import { shapesOf } from "../pipeline/tiny-model.ts";
import { float32, readGolden, relativeError, run } from "./golden.ts";
import { decodeCase, videoVector } from "./video-decoding.ts";

const TOLERANCE = 1e-5;

/** Latent frames of the golden cases. */
const lengths = [1, 2, 3, 5];

const first = { frames: 1, isContinued: true };
const later = (frames: number) => ({ frames, continues: true, isContinued: true });

/** Configuration of the published autoencoder; its means and deviations are placeholders. */
const published = {
  base_dim: 160,
  decoder_base_dim: 256,
  z_dim: 48,
  dim_mult: [1, 2, 4, 4],
  num_res_blocks: 2,
  temperal_downsample: [false, true, true],
  latents_mean: new Array(48).fill(0),
  latents_std: new Array(48).fill(1),
  is_residual: true,
  patch_size: 2,
  in_channels: 12,
  out_channels: 12,
};

describe("the autoencoder of Wan 2.2 5B", async () => {
  const golden = await readGolden("autoencoder-kl-wan-residual");
  const config = parseResidualWanConfig(golden.config);
  const decoder = residualWanDecoder(config);
  const encoder = residualWanEncoder(config);

  async function decodingError(index: number, runs: readonly DecoderRun[], provider: Provider = "cpu") {
    const { shape, data } = await decodeCase(golden, decoder, index, { runs, provider });
    expect(shape[0]).toBe(1 + 4 * (lengths[index]! - 1));
    const clamped = (data as Float32Array).map((value) => Math.min(1, Math.max(-1, value)));
    const pictures: Tensor = { dtype: "float32", shape, data: clamped };
    const expected = (await videoVector(golden, index, "frames")).data;
    expect(expected.filter((value) => Math.abs(value) === 1).length).toBeLessThan(expected.length / 10);
    return relativeError(pictures, expected);
  }

  it.each(lengths.map((frames, index) => ({ frames, index })))(
    "the decoder of Wan 2.2 5B agrees with diffusers on a whole latent of $frames frames",
    async ({ frames, index }) => {
      expect(await decodingError(index, [{ frames }])).toBeLessThan(TOLERANCE);
    },
  );

  it.each([
    ["frame by frame", 3, [first, later(1), later(1), later(1), later(1)]],
    ["the first frame and then two at a time", 3, [first, later(2), later(2)]],
    [
      "more than one frame first",
      2,
      [
        { frames: 2, isContinued: true },
        { frames: 1, continues: true },
      ],
    ],
  ])(
    "the decoder of Wan 2.2 5B agrees with diffusers where one run continues another: %s",
    async (_name, index, runs) => {
      expect(await decodingError(index, runs)).toBeLessThan(TOLERANCE);
    },
  );

  it("the decoder of Wan 2.2 5B lowers to graphs without fused operators that compute the same", async () => {
    expect(await decodingError(1, [{ frames: 2 }], "webgpu")).toBeLessThan(TOLERANCE);
  });

  it.each([0, 1])("the encoder of Wan 2.2 5B agrees with diffusers on picture %d", async (index) => {
    const [, , height, width] = golden.vectors.info(`${index}.picture`).shape as [
      number,
      number,
      number,
      number,
    ];
    const size = { height: height / 16, width: width / 16 };
    const picture = float32(await golden.vectors.read(`${index}.picture`), [1, 3, height, width]);
    const { latent } = await run(encoder.build(size, golden), golden.weights, { picture });
    expect(latent!.shape).toEqual([1, 4, 1, size.height, size.width]);
    expect(relativeError(latent, await golden.vectors.read(`${index}.encoded`))).toBeLessThan(TOLERANCE);
  });

  it("decoder and encoder of Wan 2.2 5B read every tensor that their pictures depend on", async () => {
    const { weights } = await readGolden("autoencoder-kl-wan-residual");
    decoder.build({ ...later(1), height: 2, width: 2 }, { weights });
    encoder.build({ height: 2, width: 2 }, { weights });
    // A picture alone passes no convolution over time on its way down.
    expect(weights.unused().every((name) => /^encoder\..*\.time_conv\./.test(name))).toBe(true);
  });

  it("decoder and encoder of Wan 2.2 5B ask for the tensors of the published autoencoder", () => {
    const part = { className: "AutoencoderKLWan", config: published };
    const shapes = shapesOf((weights) => {
      latentDecoder(part).build({ frames: 2, height: 2, width: 3 }, { weights });
      return imageEncoder(part).build({ height: 2, width: 3 }, { weights });
    });
    const parameters = [...shapes.values()].map((shape) => shape.reduce((size, extent) => size * extent, 1));
    // The two convolutions over time of the encoder, which a picture does not pass.
    const untouched = 320 * (3 * 320 + 1) + 640 * (3 * 640 + 1);
    expect(shapes.size).toBe(196 - 4);
    expect(parameters.reduce((sum, size) => sum + size, 0)).toBe(704_688_668 - untouched);
    expect(latentDecoder(part).scale).toBe(16);
  });

  it("the decoder of Wan 2.2 5B decodes 720p in two strips and frame by frame, and a short video at once", () => {
    const decoder = residualWanDecoder(parseResidualWanConfig(published));
    const runs = (frames: number, height: number, width: number) => decoder.runs({ frames, height, width });
    const inRuns = [first, ...Array(30).fill(later(1))];
    const strips = [0, 40].map((first) => ({
      takesFeatures: true,
      strip: { axis: "width" as const, first, count: 40 },
    }));
    const passes = [{ makesFeatures: true }, ...strips];
    expect(runs(31, 44, 80)).toEqual(passes.flatMap((pass) => inRuns.map((run) => ({ ...run, ...pass }))));
    expect(runs(5, 4, 4)).toEqual([{ frames: 5 }]);
    expect([1, 5, 121].map(decoder.latentFrames)).toEqual([1, 2, 31]);
  });

  it("the autoencoder of Wan 2.2 5B refuses unsupported configs by the member's name", () => {
    const parse = (change: object) => () => parseResidualWanConfig({ ...golden.config, ...change });
    expect(parse({ patch_size: null })).toThrow(/AutoencoderKLWan.*patch_size/);
    expect(parse({ out_channels: 3 })).toThrow(/out_channels and in_channels must be the colours of a patch/);
    expect(parse({ latents_std: [1, 2, 3] })).toThrow(/latents_mean and latents_std must have z_dim entries/);
    expect(parse({ temperal_downsample: [true] })).toThrow(/temperal_downsample must have one entry less/);
    expect(parse({ attn_scales: [0.5] })).toThrow(/attn_scales/);
  });
});
