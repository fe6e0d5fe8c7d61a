import { describe, expect, it } from "vitest";
import { buildFull, buildReuse } from "../../../lib/generation/models/index.ts";
import type { Tensor } from "../../../lib/generation/onnx/index.ts";
import { relativeError } from "../models/golden.ts";
import { base, dit, expected, feeds, loaded, loraCases, runEach } from "./lora-golden.ts";

// Worst error measured over all cases: 6.3e-6.
const TOLERANCE = 1e-5;

function bothHalves(results: readonly Record<string, Tensor>[]): Tensor {
  const halves = results.map(({ prediction }) => prediction!.data as Float32Array);
  const data = Float32Array.from(halves.flatMap((half) => [...half]));
  return { dtype: "float32", shape: [data.length], data };
}

describe("LoRA files on the tiny Wan", async () => {
  const halves = [await feeds(1), await feeds(0)];

  it.each(loraCases)("the prediction with $name equals that of $by", async ({ name, loras }) => {
    const weights = await loaded(loras);
    const results = await runEach(buildFull(dit, { weights }), weights, halves);
    const golden = await expected.read(`${name}.prediction`);
    expect(relativeError(bothHalves(results), golden)).toBeLessThan(TOLERANCE);
  });

  it.each(["two", "wide"])(
    "head of embed plus R equals the whole model with the LoRAs of %s",
    async (name) => {
      const weights = await loaded(loraCases.find((each) => each.name === name)!.loras);
      const [full] = await runEach(buildFull(dit, { weights }), weights, [halves[0]!]);
      const [reused] = await runEach(buildReuse(dit, { weights }), weights, [
        { ...halves[0]!, residual: full!.residual! },
      ]);
      expect(relativeError(reused!.prediction, full!.prediction!.data as Float32Array)).toBeLessThan(1e-6);
    },
  );

  it("graphs without fused operators compute the same with LoRAs", async () => {
    const weights = await loaded([{ file: "wide", scale: 1 }]);
    const results = await runEach(buildFull(dit, { weights, provider: "webgpu" }), weights, halves);
    expect(relativeError(bothHalves(results), await expected.read("wide.prediction"))).toBeLessThan(
      TOLERANCE,
    );
  });

  it("a LoRA with a scale of 0 leaves the weights as they are", async () => {
    expect(await loaded([{ file: "own-header", scale: 0 }])).toBe(base.weights);
  });
});
