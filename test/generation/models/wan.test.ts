import { describe, expect, it } from "vitest";
import {
  buildFull,
  buildReuse,
  diffusionTransformer,
  generationFeeds,
  stepFeeds,
} from "../../../lib/generation/models/index.ts";
import { parseWanConfig, wan } from "../../../lib/generation/models/wan/transformer.ts";
import { float32, type Golden, open, readCases, readGolden, relativeError, run } from "./golden.ts";

// Worst error measured over all cases: 4.4e-6.
const TOLERANCE = 1e-5;

interface WanCase {
  readonly latent: [frames: number, height: number, width: number];
  readonly timestep: number;
  readonly textLengths: [conditional: number, unconditional: number];
}

function shapeOf([frames, height, width]: WanCase["latent"], channels: number) {
  const latent = { channels, frames, height, width };
  return { latent, height: 8 * height, width: 8 * width, fps: 16 };
}

function transformerOf({ config }: Golden, { latent }: WanCase) {
  return diffusionTransformer(
    { className: "WanTransformer3DModel", config },
    shapeOf(latent, config.in_channels),
  );
}

/** Returns all feeds of golden case `index`, with a previous probe of zeros. */
async function feedsOf(golden: Golden, index: number, goldenCase: WanCase, guidanceScale: number) {
  const { config, vectors } = golden;
  const dit = transformerOf(golden, goldenCase);
  const text = await vectors.read(`${index}.text`); // [2, longest, text_dim]
  const states = goldenCase.textLengths.map((tokens, half) => {
    const start = (half * text.length) / 2;
    return { tokens, data: text.slice(start, start + tokens * config.text_dim) };
  });
  return {
    ...stepFeeds(dit.conditions, goldenCase.timestep),
    ...generationFeeds(dit.conditions, { texts: states }),
    latent: float32(await vectors.read(`${index}.latent`), [1, config.in_channels, ...goldenCase.latent]),
    previousProbe: float32(new Float32Array(2 * dit.tokens * dit.width), [2, dit.tokens, dit.width]),
    guidanceScale: float32(new Float32Array([guidanceScale]), []),
  };
}

describe.each([
  ["wan", "heads of 8, 4 and 4, the middle of four blocks, three timesteps, a single frame"],
  ["wan-one-block", "heads of 6, 2 and 2, patches over two frames, a probe that text has not reached"],
])("the Wan transformer against diffusers: %s (%s)", async (name) => {
  const golden = await readGolden(name);
  const cases = (await readCases<WanCase>(name)).map((goldenCase, index) => ({ goldenCase, index }));

  it.each(cases)(
    "the Wan transformer computes the prediction of both halves, the residual and the probe in case $index",
    async ({ goldenCase, index }) => {
      const session = await open(
        buildFull(transformerOf(golden, goldenCase), { ...golden, signals: ["probe"] }),
        golden.weights,
      );
      const predictions = await golden.vectors.read(`${index}.prediction`); // [B, C, F, H, W]
      const half = predictions.length / 2;
      const conditional = await session.run(await feedsOf(golden, index, goldenCase, 1));
      const unconditional = await session.run(await feedsOf(golden, index, goldenCase, 0));
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
    "the Wan transformer reuses a residual to the same prediction in case $index",
    async ({ goldenCase, index }) => {
      const graph = buildReuse(transformerOf(golden, goldenCase), golden);
      const dit = transformerOf(golden, goldenCase);
      const residual = float32(await golden.vectors.read(`${index}.residual`), [2, dit.tokens, dit.width]);
      const feeds = { ...(await feedsOf(golden, index, goldenCase, 1)), residual };
      const { prediction } = await run(graph, golden.weights, feeds);
      const predictions = await golden.vectors.read(`${index}.prediction`);
      expect(relativeError(prediction, predictions.slice(0, predictions.length / 2))).toBeLessThan(TOLERANCE);
    },
  );
});

describe("the Wan transformer", async () => {
  const golden = await readGolden("wan");
  const cases = await readCases<WanCase>("wan");
  const config = parseWanConfig(golden.config);
  const video = shapeOf([3, 6, 4], 4);

  it("the Wan transformer lowers to graphs without fused operators that compute the same", async () => {
    const graph = buildFull(transformerOf(golden, cases[1]!), { ...golden, provider: "webgpu" });
    const { residual } = await run(graph, golden.weights, await feedsOf(golden, 1, cases[1]!, 1));
    expect(relativeError(residual, await golden.vectors.read("1.residual"))).toBeLessThan(TOLERANCE);
  });

  it("the Wan transformer reads every tensor of its checkpoint", async () => {
    const { weights } = await readGolden("wan");
    buildFull(wan(config, video), { weights });
    expect(weights.unused()).toEqual([]);
  });

  it("the Wan transformer measures motion between frames with as many tokens as a frame has patches", () => {
    const dit = wan(config, video);
    expect([dit.tokenFrames, dit.tokensPerFrame, dit.tokens]).toEqual([3, 6, 18]);
  });

  it("the Wan transformer probes the middle block for every number of blocks", () => {
    const probeBlock = (num_layers: number) => wan({ ...config, num_layers }, video).probeBlock;
    expect([30, 40, 3, 1].map(probeBlock)).toEqual([14, 19, 0, 0]);
  });

  it("the Wan transformer's error names a missing tensor", () => {
    const deeper = wan({ ...config, num_layers: 5 }, video);
    expect(() => buildFull(deeper, golden)).toThrow(/blocks\.4\.scale_shift_table.*missing/);
  });

  it("the Wan transformer's error names a tensor of another shape, with both shapes", () => {
    const other = wan({ ...config, text_dim: 11 }, video);
    expect(() => buildFull(other, golden)).toThrow(/text_embedder\.linear_1\.weight.*\[32, 10\].*\[32, 11\]/);
  });

  it("the Wan transformer refuses a latent that does not divide into patches, or has more patches than positions", () => {
    expect(() => wan(config, shapeOf([1, 5, 4], 4))).toThrow(/height must be a multiple of 2 up to 64.* 5\./);
    expect(() => wan(config, shapeOf([33, 4, 4], 4))).toThrow(
      /frames must be a multiple of 1 up to 32.* 33\./,
    );
    expect(() => wan(config, shapeOf([1, 4, 4], 16))).toThrow(/4 channels, not 16/);
    expect(() => wan(config, shapeOf([0, 4, 4], 4))).toThrow(/frames.*0/);
  });

  it("the Wan transformer refuses unsupported configs by the member's name", () => {
    const parse = (change: object) => () => parseWanConfig({ ...golden.config, ...change });
    expect(parse({ in_channels: 6 })).toThrow(/in_channels must equal out_channels, or be more than twice/);
    expect(parse({ cross_attn_norm: false, qk_norm: null })).toThrow(/cross_attn_norm/);
    expect(parse({ attention_head_dim: 15 })).toThrow(/attention_head_dim/);
  });

  it("the Wan transformer refuses a text with more rows than it attends to", () => {
    const text = (tokens: number) => ({ tokens, data: new Float32Array(tokens * 10) });
    expect(() => wan(config, video).text.generationFeeds({ texts: [text(513), text(1)] })).toThrow(
      /from 1 to 512.*513/,
    );
  });
});

describe("the Wan transformer with a given first frame", async () => {
  const golden = await readGolden("wan");
  const cases = await readCases<WanCase>("wan");
  const goldenCase = cases[1]!; // three latent frames
  const config = parseWanConfig(golden.config);
  const video = shapeOf(goldenCase.latent, 4);
  const given = wan(config, { ...video, givenFrames: 1 });
  const feeds = await feedsOf(golden, 1, goldenCase, 3);

  it("the stream after the blocks is the stream before them plus what they add, for both timesteps", async () => {
    const full = buildFull(given, { ...golden, blockResiduals: true });
    const { prediction, residual, ...parts } = await run(full, golden.weights, feeds);
    const added = Object.entries(parts).filter(([name]) => name.startsWith("residual."));
    expect(added).toHaveLength(3 * config.num_layers);
    const size = residual!.data.length;
    const sum = Float32Array.from({ length: size }, (_, i) =>
      // Before the first text, both halves of the batch are one row.
      added.reduce((total, [, { data }]) => total + Number(data[i % data.length]), 0),
    );
    expect(relativeError(residual, sum)).toBeLessThan(TOLERANCE);
    const reuse = buildReuse(given, golden);
    const reused = await run(reuse, golden.weights, { ...feeds, residual: residual! });
    expect(relativeError(reused.prediction, prediction!.data as Float32Array)).toBeLessThan(TOLERANCE);
  });

  it("a given frame is told the timestep 0: at that timestep it changes nothing, and at others it does", async () => {
    const plain = wan(config, video);
    const predictionOf = async (dit: typeof plain, timestep: number) => {
      const now = { ...feeds, ...stepFeeds(dit.conditions, timestep) };
      return (await run(buildFull(dit, golden), golden.weights, now)).prediction!;
    };
    const data = async (dit: typeof plain, timestep: number) =>
      (await predictionOf(dit, timestep)).data as Float32Array;
    expect(relativeError(await predictionOf(given, 0), await data(plain, 0))).toBeLessThan(TOLERANCE);
    expect(relativeError(await predictionOf(given, 900), await data(plain, 900))).toBeGreaterThan(1e-2);
  });

  it("a transformer cannot be given every frame of a latent", () => {
    expect(() => wan(config, { ...video, givenFrames: 3 })).toThrow(/leave at least one to generate/);
  });
});
