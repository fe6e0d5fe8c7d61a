import { describe, expect, it } from "vitest";
import { buildFull, buildReuse, buildUncut, guidanceBatch } from "../../../lib/generation/models/index.ts";
import type { Tensor } from "../../../lib/generation/onnx/index.ts";
import { open, readCases, readGolden, relativeError, run } from "./golden.ts";
import { alone, conditionalHalf, type GoldenCase, goldens, preparedCase } from "./golden-transformers.ts";

const signals = ["probe", "change", "motionScore"] as const;

/** |previous - probe|_1 / |previous|_1 */
function relativeChange(previous: Float32Array, probe: Float32Array): number {
  const l1 = (values: Float32Array) => values.reduce((sum, value) => sum + Math.abs(value), 0);
  return l1(previous.map((value, i) => value - probe[i]!)) / l1(previous);
}

describe.each(goldens)("the conditional half of %s alone", async (name, className) => {
  const golden = await readGolden(name);
  const cases = await readCases<GoldenCase>(name);

  const prepared = (index: number) => preparedCase(golden, className, cases, index);

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
