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

it("the LTX encoder of 0.9.0 asks for as many parameters as that of diffusers", () => {
  const shapes = shapesOf((weights) =>
    imageEncoder({ className, config: { latent_channels: 128 } }).build({ height: 2, width: 3 }, { weights }),
  );
  const parameters = [...shapes.values()].map((shape) => shape.reduce((size, extent) => size * extent, 1));
  expect(parameters.reduce((sum, size) => sum + size, 0)).toBe(0);
});

it("the LTX encoder needs an entry for each of its blocks in all lists", () => {
  const config = { block_out_channels: [4, 8, 8], spatio_temporal_scaling: [true] };
  expect(() => imageEncoder({ className, config })).toThrow(/block_out_channels must have an entry/);
});
