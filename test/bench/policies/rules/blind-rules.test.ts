import { describe, expect, test } from "vitest";
import { GUIDANCE_GATE, guidanceGate } from "../../../../tools/bench/policies/rules/guidance-gate.ts";
import { MAGCACHE_WAN, magCache, resampleRatios } from "../../../../tools/bench/policies/rules/magcache.ts";
import {
  SPECTRUM,
  SPECTRUM_FAST,
  spectrum,
  spectrumWeights,
} from "../../../../tools/bench/policies/rules/spectrum.ts";
import {
  TAYLORSEER_DIFFUSERS,
  TAYLORSEER_WAN,
  taylorSeer,
} from "../../../../tools/bench/policies/rules/taylorseer.ts";
import { replayBlind } from "./replay.ts";

describe("TaylorSeer", () => {
  test("the authors compute every fifth step, and reuse the first four without a slope", () => {
    const { computed, weights } = replayBlind(taylorSeer(TAYLORSEER_WAN), 12);
    expect(computed).toEqual([0, 5, 10]);
    expect(weights.get(4)).toEqual([1]);
    expect(weights.get(7)).toEqual([1.4, -0.4]);
  });

  test("diffusers forecasts the step after the first ones and computes the next", () => {
    expect(replayBlind(taylorSeer(TAYLORSEER_DIFFUSERS), 15).computed).toEqual([0, 1, 2, 4, 9, 14]);
  });
});

describe("Spectrum", () => {
  test("the paper's settings compute 14 and 10 of 50 steps", () => {
    const computedOf = (options: typeof SPECTRUM | typeof SPECTRUM_FAST) =>
      replayBlind(spectrum({ ...options, steps: 50 }), 50).computed;
    expect(computedOf(SPECTRUM)).toHaveLength(14);
    expect(computedOf(SPECTRUM_FAST)).toHaveLength(10);
  });

  test("the authors' weights shrink a feature that never changes by 4 to 27 %, and ours keep it", () => {
    const sumsOf = (sumsToOne: boolean) => {
      const { weights } = replayBlind(spectrum({ ...SPECTRUM, steps: 50, sumsToOne }), 50);
      return [...weights.values()].map((each) => each.reduce((sum, weight) => sum + weight, 0));
    };
    expect(Math.min(...sumsOf(false))).toBeCloseTo(0.73, 2);
    expect(Math.max(...sumsOf(false))).toBeCloseTo(0.96, 2);
    for (const sum of sumsOf(true)) expect(sum).toBeCloseTo(1, 12);
  });

  test("a share of 0 continues the line through the last two values", () => {
    const weights = spectrumWeights([6, 4, 1], 7, { ...SPECTRUM, steps: 20, share: 0 });
    expect(weights).toEqual([1.5, -0.5, 0]);
  });
});

describe("the guidance gate", () => {
  test("half of the steps are computed whole, rounded down", () => {
    expect(replayBlind(guidanceGate({ ...GUIDANCE_GATE, steps: 7 }), 7).computed).toEqual([0, 1, 2]);
    expect(replayBlind(guidanceGate({ share: 1, steps: 3 }), 3).computed).toEqual([0, 1, 2]);
  });

  test("a share of 0 computes the first step whole, because there is no difference to keep before it", () => {
    expect(replayBlind(guidanceGate({ share: 0, steps: 4 }), 4).computed).toEqual([0]);
  });
});

describe("MagCache", () => {
  test("a half in the resampling goes to the even index, as numpy rounds", () => {
    // numpy.round([0, 0.5, 1, 1.5, 2, 2.5, 3]) is [0, 0, 1, 2, 2, 2, 3].
    expect(resampleRatios([1, 2, 3, 4], 7)).toEqual([1, 1, 2, 3, 3, 3, 4]);
    expect(resampleRatios([1, 2, 3], 1)).toEqual([3]);
  });

  test("the limit in a row alone decides after the warm-up where all ratios are 1", () => {
    const ratios = Array<number>(10).fill(1);
    expect(replayBlind(magCache({ ...MAGCACHE_WAN, ratios }), 10).computed).toEqual([0, 1, 4, 7]);
  });

  test("ratios that cannot be used throw one sentence", () => {
    expect(() => magCache({ ...MAGCACHE_WAN, ratios: [1, 0] })).toThrow(
      "a ratio of MagCache has to be a positive number, step 2 has 0",
    );
    expect(() => resampleRatios([], 3)).toThrow("MagCache needs the ratio of at least one step");
  });
});
