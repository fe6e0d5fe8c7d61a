import { describe, expect, it } from "vitest";
import {
  buildFull,
  buildReuse,
  buildUncut,
  diffusionTransformer,
  guidanceBatch,
} from "../../../lib/generation/models/index.ts";
import type { Tensor } from "../../../lib/generation/onnx/index.ts";
import {
  caseFeeds,
  float32,
  open,
  readCases,
  readGolden,
  relativeError,
  run,
  type TransformerCase,
} from "./golden.ts";

/** Golden case with the extents of its video, which only some models are conditioned on. */
interface Case extends TransformerCase {
  readonly height?: number;
  readonly width?: number;
  readonly fps?: number;
  readonly givenFrames?: number;
}

const goldens = [
  ["stdit3", "STDiT3"],
  ["stdit3-given-frames", "STDiT3"],
  ["stdit3-temporal-patch", "STDiT3"],
  ["stdit3-no-qk-norm", "STDiT3"],
  ["latte", "LatteTransformer3DModel"],
  ["latte-large-square", "LatteTransformer3DModel"],
  ["open-sora-plan", "LatteT2V"],
  ["wan", "WanTransformer3DModel"],
  ["wan-one-block", "WanTransformer3DModel"],
] as const;

const signals = ["probe", "change", "motionScore"] as const;

/** Returns the first half of a tensor of a batch of 2. */
function conditionalHalf({ dtype, shape: [, ...shape], data }: Tensor): Tensor {
  return { dtype, shape: [1, ...shape], data: data.slice(0, data.length / 2) as Float32Array };
}

/** |previous - probe|_1 / |previous|_1 */
function relativeChange(previous: Float32Array, probe: Float32Array): number {
  const l1 = (values: Float32Array) => values.reduce((sum, value) => sum + Math.abs(value), 0);
  return l1(previous.map((value, i) => value - probe[i]!)) / l1(previous);
}

describe.each(goldens)("the conditional half of %s alone", async (name, className) => {
  const golden = await readGolden(name);
  const cases = await readCases<Case>(name);

  async function prepared(index: number) {
    const { latent, height = 64, width = 64, fps = 8, givenFrames = 0 } = cases[index]!;
    const [frames, latentHeight, latentWidth] = latent;
    const { in_channels: channels } = golden.config;
    const shape = { channels, frames, height: latentHeight, width: latentWidth };
    const video = { latent: shape, height, width, fps, givenFrames };
    const dit = diffusionTransformer({ className, config: golden.config }, video);
    const both = await caseFeeds(dit, golden, index, cases[index]!, 1);
    // A probe that is not zeros has a change.
    const size = dit.tokens * dit.width;
    const half = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
    const previousProbe = float32(Float32Array.of(...half, ...half), [2, dit.tokens, dit.width]);
    return { dit, half, both: { ...both, previousProbe } };
  }

  /** Returns the same feeds for one row of the batch, without a guidance scale. */
  function alone(feeds: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    const { guidanceScale: _, ...others } = feeds;
    const perRow = ["text", "textMask", "previousProbe", "residual"];
    const halved = Object.entries(others).map(([input, tensor]) => [
      input,
      perRow.includes(input) ? conditionalHalf(tensor) : tensor,
    ]);
    return Object.fromEntries(halved);
  }

  // Worst error measured: 7.4e-8.
  const TOLERANCE = 1e-6;

  it.each(cases.map((_, index) => index))(
    "the conditional half alone predicts in case %i what both halves predict with a guidance scale of 1",
    async (index) => {
      const { dit, half, both } = await prepared(index);
      const expected = await run(buildFull(dit, { ...golden, signals }), golden.weights, both);
      const full = await open(buildFull(dit, { ...golden, signals, batch: 1 }), golden.weights);
      expect(full.inputs).not.toContain("guidanceScale");
      const computed = await full.run(alone(both));
      await full.release();
      const error = (output: string, tensor: Tensor) =>
        relativeError(computed[output], tensor.data as Float32Array);
      expect(computed.residual!.shape).toEqual([1, dit.tokens, dit.width]);
      expect(error("prediction", expected.prediction!)).toBeLessThan(TOLERANCE);
      expect(error("residual", conditionalHalf(expected.residual!))).toBeLessThan(TOLERANCE);
      const changed = conditionalHalf(expected.probe!).data as Float32Array;
      expect(Number(computed.change!.data[0])).toBeCloseTo(relativeChange(half, changed), 4);
      expect(error("probe", conditionalHalf(expected.probe!))).toBeLessThan(TOLERANCE);

      const uncut = await run(buildUncut(dit, { ...golden, batch: 1 }), golden.weights, alone(both));
      const uncutBoth = await run(buildUncut(dit, golden), golden.weights, both);
      expect(relativeError(uncut.prediction, uncutBoth.prediction!.data as Float32Array)).toBeLessThan(
        TOLERANCE,
      );

      const reusedFeeds = { ...both, residual: expected.residual! };
      const reusedBoth = await run(buildReuse(dit, golden), golden.weights, reusedFeeds);
      const reused = await run(buildReuse(dit, { ...golden, batch: 1 }), golden.weights, alone(reusedFeeds));
      expect(relativeError(reused.prediction, reusedBoth.prediction!.data as Float32Array)).toBeLessThan(
        TOLERANCE,
      );
    },
  );
});

describe("the batch that guidance needs", () => {
  it("a batch is the conditional half alone where every guidance scale is 1, and both halves otherwise", () => {
    expect([1, 0, 0.5, 7].map((scale) => guidanceBatch(scale))).toEqual([1, 2, 2, 2]);
    expect([guidanceBatch(1, 1), guidanceBatch(1, 3), guidanceBatch(4, 1)]).toEqual([1, 2, 2]);
  });
});
