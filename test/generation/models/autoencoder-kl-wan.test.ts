import { describe, expect, it } from "vitest";
import type { DecoderRun } from "../../../lib/generation/models/latent-decoder.ts";
import {
  autoencoderKLWanDecoder,
  parseAutoencoderKLWanConfig,
} from "../../../lib/generation/models/wan/autoencoder.ts";
import type { Provider, Tensor } from "../../../lib/generation/onnx/index.ts";
import { type Golden, readGolden, relativeError } from "./golden.ts";
import { decodeCase, videoVector } from "./video-decoding.ts";

// Worst error measured: 1.9e-6.
const TOLERANCE = 1e-5;

/** Latent frames of the golden cases; the reference decodes them one by one. */
const lengths = [1, 2, 3, 5];

/** Clamps frames to -1..1, as the reference does itself. */
function clamped({ dtype, shape, data }: Tensor): Tensor {
  return { dtype, shape, data: (data as Float32Array).map((value) => Math.min(1, Math.max(-1, value))) };
}

/** Decodes case `index` in the given runs. */
async function decode(
  golden: Golden,
  index: number,
  runs: readonly DecoderRun[],
  provider: Provider = "cpu",
): Promise<Tensor> {
  const decoder = autoencoderKLWanDecoder(parseAutoencoderKLWanConfig(golden.config));
  return clamped(await decodeCase(golden, decoder, index, { runs, provider }));
}

const first = { frames: 1, isContinued: true };
const later = (frames: number) => ({ frames, continues: true, isContinued: true });

describe("the Wan decoder", async () => {
  const golden = await readGolden("autoencoder-kl-wan");
  const config = parseAutoencoderKLWanConfig(golden.config);
  const decoder = autoencoderKLWanDecoder(config);

  it.each(lengths.map((frames, index) => ({ frames, index })))(
    "the Wan decoder agrees with diffusers on a whole latent of $frames frames",
    async ({ frames, index }) => {
      const pictures = await decode(golden, index, [{ frames }]);
      expect(pictures.shape[0]).toBe(1 + 4 * (frames - 1));
      const expected = await videoVector(golden, index, "frames");
      expect(relativeError(pictures, expected.data)).toBeLessThan(TOLERANCE);
      expect(expected.data.filter((value) => Math.abs(value) === 1).length).toBeLessThan(
        expected.data.length / 10,
      );
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
    "the Wan decoder agrees with diffusers where one run continues another: %s",
    async (_name, index, runs) => {
      const pictures = await decode(golden, index, runs);
      const expected = await videoVector(golden, index, "frames");
      expect(relativeError(pictures, expected.data)).toBeLessThan(TOLERANCE);
    },
  );

  it("the Wan decoder lowers to graphs without fused operators that compute the same", async () => {
    const pictures = await decode(golden, 2, [{ frames: 3 }], "webgpu");
    expect(relativeError(pictures, (await videoVector(golden, 2, "frames")).data)).toBeLessThan(TOLERANCE);
  });

  it("the Wan decoder reads every tensor of its checkpoint, in the first run of several latent frames or the next", async () => {
    const { weights } = await readGolden("autoencoder-kl-wan");
    decoder.build({ ...later(1), height: 2, width: 2 }, { weights });
    expect(weights.unused()).toEqual([]);
  });

  it("the Wan decoder cuts a long and large latent into runs that are alike after the first", () => {
    const runs = (frames: number, height: number, width: number) => decoder.runs({ frames, height, width });
    expect(runs(5, 8, 8)).toEqual([{ frames: 5 }]);
    expect(runs(6, 8, 35)).toEqual([{ frames: 6 }]);
    expect(runs(13, 16, 16)).toEqual([first, later(6), later(6)]);
  });

  it("the Wan decoder makes features of a large latent, and then one strip of the pictures after another", () => {
    const inRuns = [first, ...Array(8).fill(later(1))];
    const strips = [
      { axis: "width", first: 0, count: 35 },
      { axis: "width", first: 35, count: 34 },
      { axis: "width", first: 69, count: 35 },
    ] as const;
    expect(decoder.runs({ frames: 9, height: 60, width: 104 })).toEqual([
      ...inRuns.map((run) => ({ ...run, makesFeatures: true })),
      ...strips.flatMap((strip) => inRuns.map((run) => ({ ...run, takesFeatures: true, strip }))),
    ]);
    expect(decoder.runs({ frames: 2, height: 90, width: 60 }).slice(0, 2)).toEqual([
      { frames: 2, makesFeatures: true },
      { frames: 2, takesFeatures: true, strip: { axis: "height", first: 0, count: 30 } },
    ]);
  });

  it("the Wan decoder knows the latent frames of a video, and refuses impossible lengths", () => {
    expect([1, 5, 33, 81].map(decoder.latentFrames)).toEqual([1, 2, 9, 21]);
    expect(() => decoder.latentFrames(16)).toThrow(
      "This model makes videos of 1, 5, 9 and so on frames, not 16.",
    );
    expect(() => decoder.latentFrames(-3)).toThrow(RangeError);
  });

  it("the Wan decoder refuses unsupported configs by the member's name", () => {
    const parse = (change: object) => () => parseAutoencoderKLWanConfig({ ...golden.config, ...change });
    expect(parse({ is_residual: true, patch_size: 2 })).toThrow(/AutoencoderKLWan.*is_residual.*patch_size/);
    expect(parse({ latents_std: [1, 2, 3] })).toThrow(/latents_mean and latents_std must have z_dim entries/);
    expect(parse({ temperal_downsample: [true] })).toThrow(/temperal_downsample must have one entry less/);
  });
});
