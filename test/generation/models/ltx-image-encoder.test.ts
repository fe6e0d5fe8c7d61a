import { describe, expect, it } from "vitest";
import { imageEncoder, latentDecoder } from "../../../lib/generation/models/index.ts";
import type { Provider } from "../../../lib/generation/onnx/index.ts";
import { shapesOf } from "../pipeline/tiny-model.ts";
import { float32, readGolden, relativeError, run } from "./golden.ts";

// Worst error measured: 3.3e-7.
const TOLERANCE = 1e-5;

const className = "AutoencoderKLLTXVideo";

describe.each([
  ["autoencoder-kl-ltx-encoder", "strided convolutions, as in 0.9.0"],
  ["autoencoder-kl-ltx-095-encoder", "means of what moves into channels, as in 0.9.5"],
])("the image encoder of LTX-Video: %s (%s)", async (name) => {
  const golden = await readGolden(name);
  const part = { className, config: golden.config };
  const { channels, scale } = latentDecoder(part);

  async function errorOf(provider: Provider) {
    const [, , height, width] = golden.vectors.info("picture").shape as [number, number, number, number];
    const size = { height: height / scale, width: width / scale };
    const graph = imageEncoder(part).build(size, { ...golden, provider });
    const picture = float32(await golden.vectors.read("picture"), [1, 3, height, width]);
    const { latent } = await run(graph, golden.weights, { picture });
    expect(latent!.shape).toEqual([1, channels, 1, size.height, size.width]);
    return relativeError(latent, await golden.vectors.read("latent"));
  }

  it("the LTX encoder gives the normalised mean of diffusers, and reads every tensor", async () => {
    expect(await errorOf("cpu")).toBeLessThan(TOLERANCE);
    expect(golden.weights.unused()).toEqual([]);
  });

  it("the LTX encoder lowers to graphs without fused operators that compute the same", async () => {
    expect(await errorOf("webgpu")).toBeLessThan(TOLERANCE);
  });
});

/** The autoencoder of 0.9.5 and 0.9.7, whose configuration is from memory. */
const newer = {
  block_out_channels: [128, 256, 512, 1024, 2048],
  down_block_types: Array(4).fill("LTXVideo095DownBlock3D"),
  downsample_type: ["spatial", "temporal", "spatiotemporal", "spatiotemporal"],
  layers_per_block: [4, 6, 6, 2, 2],
  spatio_temporal_scaling: [true, true, true, true],
  decoder_block_out_channels: [256, 512, 1024],
  decoder_layers_per_block: [5, 5, 5, 5],
  decoder_spatio_temporal_scaling: [true, true, true],
  decoder_inject_noise: [false, false, false, false],
  upsample_residual: [true, true, true],
  upsample_factor: [2, 2, 2],
  timestep_conditioning: true,
  spatial_compression_ratio: 32,
  temporal_compression_ratio: 8,
};

it.each([
  ["0.9.0", { latent_channels: 128 }, 180_404_609, 238_789_552],
  ["0.9.5", newer, 694_099_137, 552_814_897],
])(
  "the autoencoder of LTX-Video %s has as many parameters as that of diffusers",
  (_, config, ...expected) => {
    const part = { className, config };
    const size = { height: 2, width: 3 };
    const built = [
      shapesOf((weights) => imageEncoder(part).build(size, { weights })),
      shapesOf((weights) => latentDecoder(part).build({ ...size, frames: 2 }, { weights })),
    ];
    const parameters = built.map((shapes) =>
      [...shapes.values()].reduce(
        (sum, shape) => sum + shape.reduce((count, extent) => count * extent, 1),
        0,
      ),
    );
    expect(parameters).toEqual(expected);
  },
);

it("the LTX encoder needs an entry for each of its blocks in all lists", () => {
  const config = { block_out_channels: [4, 8, 8], spatio_temporal_scaling: [true] };
  expect(() => imageEncoder({ className, config })).toThrow(/block_out_channels must have an entry/);
});
