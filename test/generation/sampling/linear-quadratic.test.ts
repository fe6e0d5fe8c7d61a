/** Golden levels come from diffusers' LTXConditionPipeline in float32 (tools/golden/pipeline_ltx_condition.py). */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { linearQuadraticShares } from "../../../lib/generation/sampling/index.ts";

const file = new URL("../../golden/pipelines/ltx-condition/levels.json", import.meta.url);
const levels: Record<string, number[]> = JSON.parse(readFileSync(file, "utf8"));

describe("noise levels that are linear and then quadratic", () => {
  it.each(Object.entries(levels))("the noise levels of %s steps are the reference's", (steps, expected) => {
    const shares = linearQuadraticShares(Number(steps));
    expect(shares).toHaveLength(expected.length);
    // Worst error measured: 3.0e-8.
    for (const [i, level] of expected.entries()) expect(Math.abs(shares[i]! - level)).toBeLessThan(1e-7);
  });

  it("noise levels fall from pure noise, and their parts never shrink", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 1000 }), (steps) => {
        const all = [...linearQuadraticShares(steps), 0];
        const parts = all.slice(1).map((level, i) => all[i]! - level);
        expect(all[0]).toBe(1);
        expect(parts.every((part, i) => part > 0 && part >= (parts[i - 1] ?? 0) - 1e-12)).toBe(true);
      }),
    );
  });
});
