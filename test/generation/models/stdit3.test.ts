import { describe, expect, it } from "vitest";
import { buildFull, buildReuse } from "../../../lib/generation/models/index.ts";
import { parseSTDiT3Config, stdit3 } from "../../../lib/generation/models/open-sora/transformer.ts";
import {
  feedsOf,
  float32,
  open,
  readCases,
  readGolden,
  relativeError,
  run,
  type STDiT3Case,
  transformerOf,
} from "./golden.ts";

// Worst error measured over all cases: prediction 2.1e-6, residual 2.2e-6, probe 2.5e-6.
const TOLERANCE = 1e-5;

describe.each([
  ["stdit3", "padded and unpadded sizes, prompts of different length, two timesteps"],
  ["stdit3-temporal-patch", "patches over two frames, no variance"],
  ["stdit3-no-qk-norm", "a single frame, one pair of blocks, no qk-norm"],
])("STDiT3 against the authors' module: %s (%s)", async (name) => {
  const golden = await readGolden(name);
  const cases = (await readCases<STDiT3Case>(name)).map((goldenCase, index) => ({ goldenCase, index }));

  it.each(cases)(
    "STDiT3 computes the authors' prediction, residual and probe in case $index",
    async ({ goldenCase, index }) => {
      const graph = buildFull(transformerOf(golden, goldenCase), { ...golden, signals: ["probe"] });
      const session = await open(graph, golden.weights);
      const predictions = await golden.vectors.read(`${index}.prediction`); // [B, C, F, H, W]
      const half = predictions.length / 2;
      const conditional = await session.run(await feedsOf(golden, index, goldenCase, 1));
      expect(relativeError(conditional.prediction, predictions.slice(0, half))).toBeLessThan(TOLERANCE);
      const unconditional = await session.run(await feedsOf(golden, index, goldenCase, 0));
      expect(relativeError(unconditional.prediction, predictions.slice(half))).toBeLessThan(TOLERANCE);
      expect(
        relativeError(conditional.residual, await golden.vectors.read(`${index}.residual`)),
      ).toBeLessThan(TOLERANCE);
      expect(relativeError(conditional.probe, await golden.vectors.read(`${index}.probe`))).toBeLessThan(
        TOLERANCE,
      );
      await session.release();
    },
  );
});

describe("STDiT3 whose first frames are given, against the authors' module", async () => {
  const golden = await readGolden("stdit3-given-frames");
  const cases = (await readCases<STDiT3Case>("stdit3-given-frames")).map((goldenCase, index) => ({
    goldenCase,
    index,
    given: goldenCase.givenFrames!,
  }));

  /** Selects the values of [B, C, F, H, W] that are not of given frames. */
  function made(data: Float32Array, { latent: [frames, height, width], givenFrames }: STDiT3Case) {
    return data.filter((_, i) => Math.floor(i / (height * width)) % frames >= givenFrames!);
  }

  it.each(cases)(
    "STDiT3 computes residual, probe and the prediction of the other frames beside $given given frames",
    async ({ goldenCase, index }) => {
      const read = (name: string) => golden.vectors.read(`${index}.${name}`);
      const session = await open(
        buildFull(transformerOf(golden, goldenCase), { ...golden, signals: ["probe"] }),
        golden.weights,
      );
      const expected = await read("prediction"); // [B, C, F, H, W]
      for (const [half, guidanceScale] of [1, 0].entries()) {
        const out = await session.run(await feedsOf(golden, index, goldenCase, guidanceScale));
        const { data, shape } = out.prediction!;
        const start = half * data.length;
        const others = float32(made(data as Float32Array, goldenCase), shape);
        expect(
          relativeError(others, made(expected.slice(start, start + data.length), goldenCase)),
        ).toBeLessThan(TOLERANCE);
        expect(relativeError(out.residual, await read("residual"))).toBeLessThan(TOLERANCE);
        expect(relativeError(out.probe, await read("probe"))).toBeLessThan(TOLERANCE);
      }
      await session.release();
    },
  );

  const [first] = cases;

  it("STDiT3 computes something else where no frame is given", async () => {
    const goldenCase = { ...first!.goldenCase, givenFrames: 0 };
    const graph = buildFull(transformerOf(golden, goldenCase), { ...golden, signals: ["probe"] });
    const { residual } = await run(graph, golden.weights, await feedsOf(golden, 0, goldenCase, 1));
    expect(relativeError(residual, await golden.vectors.read("0.residual"))).toBeGreaterThan(1e-2);
  });

  it("STDiT3 with given frames lowers to graphs without fused operators that compute the same", async () => {
    const { goldenCase } = first!;
    const graph = buildFull(transformerOf(golden, goldenCase), { ...golden, provider: "webgpu" });
    const { residual } = await run(graph, golden.weights, await feedsOf(golden, 0, goldenCase, 1));
    expect(relativeError(residual, await golden.vectors.read("0.residual"))).toBeLessThan(TOLERANCE);
  });

  it("STDiT3 with given frames predicts from a residual what the computed step predicted", async () => {
    const { goldenCase } = first!;
    const dit = transformerOf(golden, goldenCase);
    const feeds = await feedsOf(golden, 0, goldenCase, 7);
    const { prediction, residual } = await run(buildFull(dit, golden), golden.weights, feeds);
    const out = await run(buildReuse(dit, golden), golden.weights, { ...feeds, residual: residual! });
    expect(relativeError(out.prediction, prediction!.data as Float32Array)).toBeLessThan(TOLERANCE);
  });

  it("STDiT3 refuses invalid counts of given frames, and given frames with patches over several frames", async () => {
    const given = (givenFrames: number) => () => transformerOf(golden, { ...first!.goldenCase, givenFrames });
    expect(given(3)).toThrow("3 of 3 latent frames cannot be given: leave at least one to generate.");
    expect(given(-1)).toThrow(RangeError);
    expect(given(0.5)).toThrow(RangeError);
    const [patched] = await readCases<STDiT3Case>("stdit3-temporal-patch");
    const other = await readGolden("stdit3-temporal-patch");
    expect(() => transformerOf(other, { ...patched!, givenFrames: 1 })).toThrow(/patches span several/);
  });
});

describe("STDiT3", async () => {
  const golden = await readGolden("stdit3");
  const [goldenCase] = (await readCases<STDiT3Case>("stdit3")) as [STDiT3Case];
  const latent = { channels: 4, frames: 3, height: 6, width: 10 };
  const video = { latent, height: 48, width: 80, fps: 24 };
  const config = parseSTDiT3Config(golden.config);

  it("STDiT3 lowers to graphs without fused operators that compute the same", async () => {
    const graph = buildFull(transformerOf(golden, goldenCase), { ...golden, provider: "webgpu" });
    const { residual } = await run(graph, golden.weights, await feedsOf(golden, 0, goldenCase, 1));
    expect(relativeError(residual, await golden.vectors.read("0.residual"))).toBeLessThan(TOLERANCE);
  });

  it("STDiT3 reads every tensor of its checkpoint except the rotary frequencies and the null caption", async () => {
    const { weights } = await readGolden("stdit3");
    const dit = stdit3(config, video);
    buildFull(dit, { weights });
    expect(weights.unused().sort()).toEqual(["rope.freqs", "y_embedder.y_embedding"]);
    expect(weights.unused().filter((name) => !dit.otherTensors.test(name))).toEqual([]);
  });

  it("STDiT3's error names a missing tensor", () => {
    const deeper = stdit3({ ...config, depth: 3 }, video);
    expect(() => buildFull(deeper, golden)).toThrow(/spatial_blocks\.2\.scale_shift_table.*missing/);
  });

  it("STDiT3's error names a tensor of another shape, with both shapes", () => {
    const other = stdit3({ ...config, caption_channels: 21 }, video);
    expect(() => buildFull(other, golden)).toThrow(/y_embedder\.y_proj\.fc1\.weight.*\[24, 20\].*\[24, 21\]/);
  });

  it("STDiT3 refuses a latent with other channels or without extent, and a video without size", () => {
    expect(() => stdit3(config, { ...video, latent: { ...latent, channels: 16 } })).toThrow(
      /4 channels, not 16/,
    );
    expect(() => stdit3(config, { ...video, latent: { ...latent, frames: 0 } })).toThrow(/frames.*0/);
    expect(() => stdit3(config, { ...video, latent: { ...latent, width: 2.5 } })).toThrow(/width.*2\.5/);
    expect(() => stdit3(config, { ...video, fps: Number.NaN })).toThrow(/fps/);
  });

  it("STDiT3's error names every unsupported member of a config", () => {
    expect(() => parseSTDiT3Config({ ...golden.config, depth: -1, num_heads: "3" })).toThrow(
      /STDiT3.*depth.*num_heads/,
    );
    expect(() => parseSTDiT3Config({ ...golden.config, num_heads: 5 })).toThrow(
      /hidden_size must be a multiple/,
    );
    expect(() => parseSTDiT3Config({ ...golden.config, model_max_length: 2 ** 40 })).toThrow(
      /model_max_length is .*4096/,
    );
    expect(() => parseSTDiT3Config(null)).toThrow(/STDiT3/);
  });

  it("STDiT3's unconditional text has as many rows of the learned caption as the prompt has tokens", async () => {
    const rows = await golden.weights.read("y_embedder.y_embedding");
    expect(await stdit3(config, video).text.learntText!(golden.weights, 4)).toEqual({
      tokens: 4,
      data: rows.slice(0, 4 * 20),
    });
    await expect(stdit3(config, video).text.learntText!(golden.weights, 10)).rejects.toThrow(/10 tokens.*9/);
  });

  it("STDiT3 refuses a text without tokens, with too many, or of another width", () => {
    const dit = stdit3(config, video);
    const text = (tokens: number, width = 20) => ({ tokens, data: new Float32Array(tokens * width) });
    expect(() => dit.text.generationFeeds({ texts: [text(0), text(1)] })).toThrow(/from 1 to 9.*0/);
    expect(() => dit.text.generationFeeds({ texts: [text(1), text(10)] })).toThrow(/from 1 to 9.*10/);
    expect(() => dit.text.generationFeeds({ texts: [text(2, 19), text(1)] })).toThrow(/2 x 20.*38/);
  });
});
