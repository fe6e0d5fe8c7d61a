import { describe, expect, it } from "vitest";
import { buildFull, buildReuse, diffusionTransformer } from "../../../lib/generation/models/index.ts";
import { latte, parseLatteConfig } from "../../../lib/generation/models/latte/transformer.ts";
import {
  openSoraPlan,
  parseOpenSoraPlanConfig,
} from "../../../lib/generation/models/open-sora-plan/transformer.ts";
import { shapesOf } from "../pipeline/tiny-model.ts";
import {
  caseFeeds,
  float32,
  type Golden,
  open,
  readCases,
  readGolden,
  relativeError,
  run,
  type TransformerCase,
} from "./golden.ts";

// Worst error measured over all cases: 2.8e-6.
const TOLERANCE = 1e-5;

function shapeOf([frames, height, width]: TransformerCase["latent"], channels = 4) {
  const latent = { channels, frames, height, width };
  return { latent, height: 8 * height, width: 8 * width, fps: 8 };
}

function transformerOf({ config }: Golden, { latent }: TransformerCase) {
  const { _class_name: className } = config;
  return diffusionTransformer({ className, config }, shapeOf(latent, config.in_channels));
}

describe.each([
  ["latte", "a size that is not trained, prompts of the same and of different length, a single frame"],
  ["latte-large-square", "positions scaled down, patches of 3, no variance, the second of four pairs probed"],
  ["open-sora-plan", "the positions of many frames scaled down, two sizes"],
])("the Latte transformer against diffusers: %s (%s)", async (name) => {
  const golden = await readGolden(name);
  const cases = (await readCases<TransformerCase>(name)).map((goldenCase, index) => ({ goldenCase, index }));

  it.each(cases)(
    "the Latte transformer computes the prediction of both halves, the residual and the probe in case $index",
    async ({ goldenCase, index }) => {
      const dit = transformerOf(golden, goldenCase);
      const session = await open(buildFull(dit, { ...golden, signals: ["probe"] }), golden.weights);
      const predictions = await golden.vectors.read(`${index}.prediction`); // [B, C, F, H, W]
      const half = predictions.length / 2;
      const conditional = await session.run(await caseFeeds(dit, golden, index, goldenCase, 1));
      const unconditional = await session.run(await caseFeeds(dit, golden, index, goldenCase, 0));
      const residual = await golden.vectors.read(`${index}.residual`);
      const probe = await golden.vectors.read(`${index}.probe`);
      expect(relativeError(conditional.prediction, predictions.slice(0, half))).toBeLessThan(TOLERANCE);
      expect(relativeError(unconditional.prediction, predictions.slice(half))).toBeLessThan(TOLERANCE);
      expect(relativeError(conditional.residual, residual)).toBeLessThan(TOLERANCE);
      expect(relativeError(conditional.probe, probe)).toBeLessThan(TOLERANCE);
      await session.release();
    },
  );

  it.each(cases)(
    "the Latte transformer reuses a residual to the same prediction in case $index",
    async ({ goldenCase, index }) => {
      const dit = transformerOf(golden, goldenCase);
      const residual = float32(await golden.vectors.read(`${index}.residual`), [2, dit.tokens, dit.width]);
      const feeds = { ...(await caseFeeds(dit, golden, index, goldenCase, 1)), residual };
      const { prediction } = await run(buildReuse(dit, golden), golden.weights, feeds);
      const predictions = await golden.vectors.read(`${index}.prediction`);
      expect(relativeError(prediction, predictions.slice(0, predictions.length / 2))).toBeLessThan(TOLERANCE);
    },
  );

  it("the Latte transformer lowers to graphs without fused operators that compute the same", async () => {
    const { goldenCase, index } = cases[0]!;
    const dit = transformerOf(golden, goldenCase);
    const graph = buildFull(dit, { ...golden, provider: "webgpu" });
    const { residual } = await run(graph, golden.weights, await caseFeeds(dit, golden, index, goldenCase, 1));
    expect(relativeError(residual, await golden.vectors.read(`${index}.residual`))).toBeLessThan(TOLERANCE);
  });

  it("the Latte transformer makes R the sum of what its blocks add, the positions of frames included", async () => {
    const { goldenCase, index } = cases[0]!;
    const dit = transformerOf(golden, goldenCase);
    const graph = buildFull(dit, { ...golden, blockResiduals: true });
    const computed = await run(graph, golden.weights, await caseFeeds(dit, golden, index, goldenCase, 1));
    const sum = new Float32Array(computed.residual!.data.length);
    for (let i = 0; i < 5 * dit.blocks; i++) {
      const { data } = computed[`residual.${i}`]!;
      // Before cross-attention one row stands for both guidance halves.
      for (let j = 0; j < sum.length; j++) sum[j]! += Number(data[j % data.length]);
    }
    expect(computed[`residual.${5 * dit.blocks}`]).toBeUndefined();
    expect(relativeError(computed.residual, sum)).toBeLessThan(2e-6);
  });

  it("the Latte transformer reads every tensor of its checkpoint except a caption learnt for training", async () => {
    const { weights } = await readGolden(name);
    const dit = transformerOf(golden, cases[0]!.goldenCase);
    buildFull(dit, { weights });
    expect(weights.unused()).toEqual(name === "open-sora-plan" ? ["caption_projection.y_embedding"] : []);
    expect(weights.unused().filter((tensor) => !dit.otherTensors.test(tensor))).toEqual([]);
  });
});

describe("the Latte transformer", async () => {
  const golden = await readGolden("latte");
  const config = parseLatteConfig(golden.config);
  const video = shapeOf([3, 8, 12]);

  it("the Latte transformer asks for the 967 tensors and 1,057,246,880 parameters of Latte-1", () => {
    const published = {
      ...config,
      num_attention_heads: 16,
      attention_head_dim: 72,
      num_layers: 28,
      cross_attention_dim: 1152,
      caption_channels: 4096,
      sample_size: 64,
      video_length: 16,
    };
    const shapes = shapesOf((weights) => buildFull(latte(published, shapeOf([16, 64, 64])), { weights }));
    const parameters = [...shapes.values()].map((shape) => shape.reduce((size, extent) => size * extent, 1));
    expect(shapes.size).toBe(967);
    expect(parameters.reduce((sum, size) => sum + size, 0)).toBe(1_057_246_880);
  });

  it("the Latte transformer measures motion between frames with as many tokens as a frame has patches", () => {
    const dit = latte(config, video);
    expect([dit.tokenFrames, dit.tokensPerFrame, dit.tokens]).toEqual([3, 24, 72]);
  });

  it("the Latte transformer probes the middle pair of blocks", () => {
    const probeBlock = (num_layers: number) => latte({ ...config, num_layers }, video).probeBlock;
    expect([28, 3, 1].map(probeBlock)).toEqual([13, 0, 0]);
  });

  it("the Latte transformer's reuse graph contains neither text nor blocks", async () => {
    const reuse = await open(buildReuse(latte(config, video), golden), golden.weights);
    expect([...reuse.inputs].sort()).toEqual(["guidanceScale", "latent", "residual", "timestep"]);
    await reuse.release();
  });

  it("the Latte transformer's error names a missing tensor, and both shapes of a tensor with another shape", () => {
    expect(() => buildFull(latte({ ...config, num_layers: 3 }, video), golden)).toThrow(
      /transformer_blocks\.2\.scale_shift_table.*missing/,
    );
    expect(() => buildFull(latte({ ...config, caption_channels: 13 }, video), golden)).toThrow(
      /caption_projection\.linear_1\.weight.*\[16, 12\].*\[16, 13\]/,
    );
  });

  it("the Latte transformer refuses a latent with other channels, too many frames, or an indivisible size", () => {
    expect(() => latte(config, shapeOf([3, 8, 12], 16))).toThrow(/4 channels, not 16/);
    expect(() => latte(config, shapeOf([2, 8, 12]))).toThrow(/3 frames or 1, and this one has 2\./);
    expect(() => latte(config, shapeOf([4, 8, 12]))).toThrow(/3 frames or 1, and this one has 4\./);
    expect(() => latte(config, shapeOf([3, 7, 12]))).toThrow(/height must be a multiple of 2.* 7\./);
    expect(() => latte(config, shapeOf([3, 8, 0]))).toThrow(/width.*0/);
  });

  it("the Latte transformer refuses unsupported configs by the member's name", () => {
    const parse = (change: object) => () => parseLatteConfig({ ...golden.config, ...change });
    expect(parse({ norm_type: "layer_norm", activation_fn: "geglu" })).toThrow(
      /LatteTransformer3DModel.*activation_fn.*norm_type/,
    );
    expect(parse({ norm_elementwise_affine: true })).toThrow(/norm_elementwise_affine/);
    expect(parse({ attention_bias: false })).toThrow(/attention_bias/);
    expect(parse({ cross_attention_dim: 24 })).toThrow(/cross_attention_dim must be num_attention_heads/);
    expect(parse({ out_channels: 5 })).toThrow(/out_channels must be in_channels or twice/);
    expect(parse({ num_attention_heads: 1, attention_head_dim: 6 })).toThrow(/multiple of 4/);
    expect(parse({ video_length: undefined })).toThrow(/video_length/);
  });

  it("the Latte transformer reads texts of up to 120 tokens, as many unconditional as conditional ones", () => {
    const dit = latte(config, video);
    const text = (tokens: number) => ({ tokens, data: new Float32Array(tokens * 12) });
    expect(dit.text.length).toBe(120);
    expect(dit.text.sharesLength).toBe(true);
    expect(() => dit.text.generationFeeds({ texts: [text(121), text(1)] })).toThrow(/from 1 to 120.*121/);
  });
});

describe("Open-Sora-Plan's Latte", async () => {
  const { config: stored } = await readGolden("open-sora-plan");
  const config = parseOpenSoraPlanConfig(stored);
  const video = shapeOf([33, 4, 2]);

  it("Open-Sora-Plan's Latte reads texts of as many tokens as its config says, and of 300 without that", () => {
    const { model_max_length: _, ...silent } = stored;
    expect(openSoraPlan(config, video).text.length).toBe(9);
    expect(openSoraPlan(parseOpenSoraPlanConfig(silent), video).text.length).toBe(300);
  });

  it("Open-Sora-Plan's Latte makes as many frames as it has positions, since one frame would skip temporal blocks", () => {
    expect(() => openSoraPlan(config, shapeOf([1, 4, 2]))).toThrow(/has 33 frames, and this one has 1\./);
    expect(() => parseOpenSoraPlanConfig({ ...stored, video_length: 1 })).toThrow(/video_length/);
  });

  it("Open-Sora-Plan's Latte refuses by name what other checkpoints of its class do", () => {
    const parse = (change: object) => () => parseOpenSoraPlanConfig({ ...stored, ...change });
    expect(parse({ use_rope: true })).toThrow(/LatteT2V.*use_rope/);
    expect(parse({ compress_kv_factor: 2 })).toThrow(/compress_kv_factor/);
    expect(parse({ patch_size_t: 2 })).toThrow(/patch_size_t/);
    expect(parse({ model_max_length: 1e9 })).toThrow(/model_max_length is .*4096/);
    expect(parse({ sample_size: [64, 96] })).toThrow(/sample_size must be a square/);
    expect(parse({ cross_attention_dim: 24 })).toThrow(/cross_attention_dim/);
  });
});
