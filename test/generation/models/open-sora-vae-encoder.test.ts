import { describe, expect, it } from "vitest";
import { imageEncoder, latentDecoder } from "../../../lib/generation/models/index.ts";
import { parseOpenSoraVAEConfig } from "../../../lib/generation/models/open-sora/autoencoder.ts";
import { openSoraImageEncoder } from "../../../lib/generation/models/open-sora/image-encoder.ts";
import type { Provider } from "../../../lib/generation/onnx/index.ts";
import { shapesOf } from "../pipeline/tiny-model.ts";
import { float32, readGolden, relativeError, run } from "./golden.ts";

// Worst error measured: 2.3e-6.
const TOLERANCE = 1e-5;

/** The golden's 2-D autoencoder, which no config of Open-Sora describes. */
const spatial = { blockChannels: [8, 12], layersPerBlock: 1, outChannels: 3, groups: 4, hasAttention: true };

describe("the image encoder of Open-Sora 1.2", async () => {
  const golden = await readGolden("open-sora-vae-encoder");
  const encoder = openSoraImageEncoder(parseOpenSoraVAEConfig(golden.config), spatial);

  async function encode(index: number, provider: Provider = "cpu") {
    const [, , height, width] = golden.vectors.info(`${index}.picture`).shape as [
      number,
      number,
      number,
      number,
    ];
    const graph = encoder.build({ height: height / 2, width: width / 2 }, { ...golden, provider });
    const picture = float32(await golden.vectors.read(`${index}.picture`), [1, 3, height, width]);
    const { latent } = await run(graph, golden.weights, { picture });
    expect(latent!.shape).toEqual([1, 5, 1, height / 2, width / 2]);
    return relativeError(latent, await golden.vectors.read(`${index}.latent`));
  }

  it.each([0, 1])(
    "the Open-Sora encoder gives the means of the authors' modules for picture %d",
    async (index) => {
      expect(await encode(index)).toBeLessThan(TOLERANCE);
      expect(golden.weights.unused()).toEqual([]);
    },
  );

  it("the Open-Sora encoder lowers to graphs without fused operators that compute the same", async () => {
    expect(await encode(0, "webgpu")).toBeLessThan(TOLERANCE);
  });

  it("the Open-Sora encoder asks for the tensors and parameters of the published encoder, at the decoder's scale", () => {
    const vae_temporal = { type: "VAE_Temporal_SD", from_pretrained: null };
    const part = { className: "VideoAutoencoderPipeline", config: { ...golden.config, vae_temporal } };
    const shapes = shapesOf((weights) => imageEncoder(part).build({ height: 2, width: 3 }, { weights }));
    const parameters = [...shapes.values()].map((shape) => shape.reduce((size, extent) => size * extent, 1));
    expect(shapes.size).toBe(243);
    expect(parameters.reduce((sum, size) => sum + size, 0)).toBe(178_584_872);
    expect(latentDecoder(part).scale).toBe(8);
  });
});
