import { describe, expect, it } from "vitest";
import { buildFull, buildReuse, diffusionTransformer } from "../../../lib/generation/models/index.ts";
import { ltx, parseLTXConfig } from "../../../lib/generation/models/ltx/transformer.ts";
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
} from "./golden.ts";
import type { GoldenCase } from "./golden-transformers.ts";

// Worst error measured over all cases: 2.1e-6.
const TOLERANCE = 1e-5;

function videoOf({ latent: [frames, height, width], fps, givenFrames = 0 }: GoldenCase, channels: number) {
  const latent = { channels, frames, height, width };
  const pixels = { height: 32 * height, width: 32 * width };
  return { latent, ...pixels, frames: 1 + 8 * (frames - 1), fps: fps!, givenFrames };
}

function transformerOf({ config }: Golden, goldenCase: GoldenCase) {
  const className = "LTXVideoTransformer3DModel";
  return diffusionTransformer({ className, config }, videoOf(goldenCase, config.in_channels));
}

describe.each([
  ["ltx", "two pairs that never turn, the middle of four blocks, three frame rates, a single frame"],
  ["ltx-given-frames", "a first frame with timestep 0, a width of whole sixes, one block"],
])("the LTX transformer against diffusers: %s (%s)", async (name) => {
  const golden = await readGolden(name);
  const cases = (await readCases<GoldenCase>(name)).map((goldenCase, index) => ({ goldenCase, index }));

  it.each(cases)(
    "the LTX transformer computes the prediction of both halves, the residual and the probe in case $index",
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
    "the LTX transformer reuses a residual to the same prediction in case $index",
    async ({ goldenCase, index }) => {
      const dit = transformerOf(golden, goldenCase);
      const residual = float32(await golden.vectors.read(`${index}.residual`), [2, dit.tokens, dit.width]);
      const feeds = { ...(await caseFeeds(dit, golden, index, goldenCase, 1)), residual };
      const { prediction } = await run(buildReuse(dit, golden), golden.weights, feeds);
      const predictions = await golden.vectors.read(`${index}.prediction`);
      expect(relativeError(prediction, predictions.slice(0, predictions.length / 2))).toBeLessThan(TOLERANCE);
    },
  );

  it("the LTX transformer lowers to graphs without fused operators that compute the same", async () => {
    const [{ goldenCase }] = cases as [(typeof cases)[0]];
    const dit = transformerOf(golden, goldenCase);
    const graph = buildFull(dit, { ...golden, provider: "webgpu" });
    const { residual } = await run(graph, golden.weights, await caseFeeds(dit, golden, 0, goldenCase, 1));
    expect(relativeError(residual, await golden.vectors.read("0.residual"))).toBeLessThan(TOLERANCE);
  });

  it("the LTX transformer reads every tensor of its checkpoint", async () => {
    const { weights } = await readGolden(name);
    buildFull(transformerOf(golden, cases[0]!.goldenCase), { weights });
    expect(weights.unused()).toEqual([]);
  });
});

describe("the LTX transformer", async () => {
  const golden = await readGolden("ltx");
  const cases = await readCases<GoldenCase>("ltx");
  const config = parseLTXConfig(golden.config);
  const video = videoOf(cases[1]!, 6);

  it("the LTX transformer measures motion between frames with as many tokens as a frame has", () => {
    const dit = ltx(config, video);
    expect([dit.tokenFrames, dit.tokensPerFrame, dit.tokens]).toEqual([3, 8, 24]);
  });

  it("the LTX transformer of the 2B model probes block 13 of 28", () => {
    expect(ltx({ ...config, num_layers: 28 }, video).probeBlock).toBe(13);
  });

  it.each([
    ["2B", { attention_head_dim: 64, num_layers: 28 }, 1_923_385_472],
    ["13B", { attention_head_dim: 128, num_layers: 48 }, 13_042_569_344],
  ])(
    "the LTX transformer of the %s model has as many parameters as that of diffusers",
    (_, size, expected) => {
      const width = 32 * size.attention_head_dim;
      const published = { in_channels: 128, num_attention_heads: 32, caption_channels: 4096, ...size };
      const latent = { channels: 128, frames: 1, height: 2, width: 2 };
      const dit = ltx(parseLTXConfig({ ...published, cross_attention_dim: width }), { ...video, latent });
      const shapes = shapesOf((weights) => buildFull(dit, { weights }));
      const parameters = [...shapes.values()].map((shape) =>
        shape.reduce((count, extent) => count * extent, 1),
      );
      expect(parameters.reduce((sum, count) => sum + count, 0)).toBe(expected);
    },
  );

  it("the LTX transformer's error names a missing tensor", () => {
    const deeper = ltx({ ...config, num_layers: 5 }, video);
    expect(() => buildFull(deeper, golden)).toThrow(/transformer_blocks\.4\.scale_shift_table.*missing/);
  });

  it("the LTX transformer refuses a latent that it cannot make, and a video with nothing left to generate", () => {
    const latent = { channels: 6, frames: 1, height: 2, width: 2 };
    expect(() => ltx(config, { ...video, latent: { ...latent, channels: 4 } })).toThrow(/6 channels, not 4/);
    expect(() => ltx(config, { ...video, latent: { ...latent, width: 0 } })).toThrow(/width.*0/);
    expect(() => ltx(config, { ...video, latent, givenFrames: 1 })).toThrow(/leave at least one/);
  });

  it("the LTX transformer has to know how many frames its latent frames stand for", () => {
    const { frames: _, ...unknown } = video;
    expect(() => buildFull(ltx(config, unknown), golden)).toThrow(/has to know the number of frames/);
  });

  it("the LTX transformer refuses unsupported configs by the member's name", () => {
    const parse = (change: object) => () => parseLTXConfig({ ...golden.config, ...change });
    expect(parse({ patch_size: 2, patch_size_t: 2 })).toThrow(/patch_size.*patch_size_t/);
    expect(parse({ norm_elementwise_affine: true })).toThrow(/norm_elementwise_affine/);
    expect(parse({ attention_bias: false, attention_out_bias: false })).toThrow(
      /attention_bias.*attention_out_bias/,
    );
    expect(parse({ qk_norm: null, activation_fn: "gelu" })).toThrow(/qk_norm|activation_fn/);
    expect(parse({ out_channels: 12 })).toThrow(/out_channels must equal in_channels/);
    expect(parse({ cross_attention_dim: 30 })).toThrow(/cross_attention_dim must equal/);
  });

  it("the LTX transformer predicts as many channels as it takes if its config has null", () => {
    expect(parseLTXConfig({ ...golden.config, out_channels: null }).in_channels).toBe(6);
  });
});
