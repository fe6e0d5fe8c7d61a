import { describe, expect, it } from "vitest";
import { clipVisionEncoder, parseCLIPVisionConfig } from "../../../lib/generation/models/clip-vision.ts";
import { visionEncoder } from "../../../lib/generation/models/index.ts";
import type { Provider } from "../../../lib/generation/onnx/index.ts";
import { shapesOf } from "../pipeline/tiny-model.ts";
import { float32, readGolden, relativeError, run, withHeader } from "./golden.ts";

// Worst error measured: 5.8e-7.
const TOLERANCE = 1e-5;

describe.each([
  ["clip-vision", "CLIPVisionModel", "GELU, two patches a side"],
  ["clip-vision-projection", "CLIPVisionModelWithProjection", "quick GELU, three patches a side"],
])("the vision tower of CLIP against transformers: %s (%s: %s)", async (name, className) => {
  const golden = await readGolden(name);
  const encoder = visionEncoder({ className, config: golden.config });

  async function errorOf(index: number, weights = golden.weights, provider: Provider = "cpu") {
    const graph = encoder.build({ weights, provider });
    const { side, tokens, width } = encoder;
    const pixels = await golden.vectors.read("pixels"); // [2, 3, side, side]
    const picture = pixels.slice(index * 3 * side ** 2, (index + 1) * 3 * side ** 2);
    const { states } = await run(graph, weights, { pixels: float32(picture, [1, 3, side, side]) });
    expect(states!.shape).toEqual([1, tokens, width]);
    const expected = await golden.vectors.read("states"); // [2, tokens, width]
    return relativeError(states, expected.slice(index * tokens * width, (index + 1) * tokens * width));
  }

  it.each([0, 1])("the CLIP tower gives the states before the last layer of picture %d", async (index) => {
    expect(await errorOf(index)).toBeLessThan(TOLERANCE);
  });

  it("the CLIP tower lowers to graphs without fused operators that compute the same", async () => {
    expect(await errorOf(0, golden.weights, "webgpu")).toBeLessThan(TOLERANCE);
  });

  it("the CLIP tower needs every tensor but those of the last layer and what follows it", async () => {
    const { weights } = await readGolden(name);
    encoder.build({ weights });
    const last = `encoder.layers.${golden.config.num_hidden_layers - 1}.`;
    expect(weights.unused().length).toBeGreaterThan(0);
    for (const unused of weights.unused()) {
      expect(unused).toMatch(encoder.otherTensors);
      expect(unused.includes(last) || /post_layernorm|visual_projection/.test(unused)).toBe(true);
    }
  });

  it("the CLIP tower reads its tensors with and without the prefix of the library that saved them", async () => {
    const isPrefixed = golden.weights.has("vision_model.embeddings.class_embedding");
    const renamed = await withHeader(golden, (tensor, entry) => [
      isPrefixed ? tensor.replace(/^vision_model\./, "") : `vision_model.${tensor}`,
      entry,
    ]);
    expect(await errorOf(1, renamed)).toBeLessThan(TOLERANCE);
  });
});

describe("the vision tower of CLIP", () => {
  const published = {
    hidden_size: 1280,
    intermediate_size: 5120,
    num_hidden_layers: 32,
    num_attention_heads: 16,
    image_size: 224,
    patch_size: 14,
    hidden_act: "gelu",
  };

  it("the CLIP tower of ViT-H/14 gives 257 states and asks for all parameters but the last layer's", () => {
    const encoder = clipVisionEncoder(parseCLIPVisionConfig(published));
    expect([encoder.side, encoder.tokens, encoder.width]).toEqual([224, 257, 1280]);
    const shapes = shapesOf((weights) => encoder.build({ weights }));
    const parameters = [...shapes.values()].map((shape) => shape.reduce((size, extent) => size * extent, 1));
    // 630,766,080 in all, less 19,677,440 of the last layer and 2,560 of the norm after it.
    expect(parameters.reduce((sum, size) => sum + size, 0)).toBe(611_086_080);
  });

  it("the CLIP tower refuses unsupported configs by the member's name", () => {
    const parse = (change: object) => () => parseCLIPVisionConfig({ ...published, ...change });
    expect(parse({ hidden_act: "relu" })).toThrow(/CLIPVisionModel.*hidden_act/);
    expect(parse({ num_attention_heads: 7 })).toThrow(
      /hidden_size must be a multiple of num_attention_heads/,
    );
    expect(parse({ num_channels: 1 })).toThrow(/num_channels/);
  });
});
