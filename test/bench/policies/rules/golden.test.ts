/**
 * Rules compared with the public implementations: tools/golden/rival_policies.py ran those on the same sequences, and
 * its header says which run as they are and which are ported. Decisions have to be equal, and weights within 1e-6 (2e-4
 * for Spectrum, which ran in float32).
 */
import { describe, expect, test } from "vitest";
import { dbCache } from "../../../../tools/bench/policies/rules/dbcache.ts";
import { diCache } from "../../../../tools/bench/policies/rules/dicache.ts";
import { easyCache } from "../../../../tools/bench/policies/rules/easycache.ts";
import { firstBlockCache } from "../../../../tools/bench/policies/rules/first-block.ts";
import { magCache, resampleRatios } from "../../../../tools/bench/policies/rules/magcache.ts";
import { naviCache } from "../../../../tools/bench/policies/rules/navicache.ts";
import { seaCache } from "../../../../tools/bench/policies/rules/seacache.ts";
import { spectrum, spectrumWeights } from "../../../../tools/bench/policies/rules/spectrum.ts";
import { taylorWeights } from "../../../../tools/bench/policies/rules/taylor.ts";
import { taylorSeer } from "../../../../tools/bench/policies/rules/taylorseer.ts";
import { teaCache } from "../../../../tools/bench/policies/rules/teacache.ts";
import {
  changeOf,
  diCacheSignalOf,
  driftOf,
  filteredOf,
  type GoldenCase,
  golden,
  inputChangeOf,
  outputChangeOf,
  type Sequence,
} from "./recorded-signals.ts";
import { type Replayed, replay, replayBlind } from "./replay.ts";

type Replay = (sequence: Sequence, options: GoldenCase["options"]) => Replayed;

const nothing = () => undefined;

/** Replays with signals of a sequence, by the name that the golden file has for the rule. */
const withSignals: Record<string, Replay> = {
  teacache: (sequence, options) =>
    replay(teaCache({ steps: sequence.steps, ...options }), sequence.steps, {
      before: (step) => ({ distance: changeOf(sequence.probe, step) }),
      after: nothing,
    }),
  "first-block diffusers": (sequence, options) =>
    replay(firstBlockCache({ ...options, warmup: 0, reuseAtThreshold: true }), sequence.steps, {
      before: (step, computed) => driftOf(sequence, step, computed),
      after: nothing,
    }),
  "first-block ParaAttention": (sequence, options) =>
    replay(firstBlockCache({ ...options, reuseAtThreshold: false }), sequence.steps, {
      before: (step, computed) => driftOf(sequence, step, computed),
      after: nothing,
    }),
  dbcache: (sequence, { maxConsecutive, maxReused, ...options }) =>
    replay(
      dbCache({ ...options, maxConsecutive: maxConsecutive ?? Infinity, maxReused: maxReused ?? Infinity }),
      sequence.steps,
      { before: (step, computed) => driftOf(sequence, step, computed), after: nothing },
    ),
  easycache: (sequence, options) =>
    replay(easyCache({ steps: sequence.steps, ...options }), sequence.steps, {
      before: (step) => inputChangeOf(sequence, step),
      after: (step, computed) => outputChangeOf(sequence, step, computed),
    }),
  navicache: (sequence, options) =>
    replay(naviCache({ steps: sequence.steps, ...options }), sequence.steps, {
      before: (step) => inputChangeOf(sequence, step),
      after: (step, computed) => outputChangeOf(sequence, step, computed),
    }),
  seacache: (sequence, options) => {
    const filtered = filteredOf(sequence);
    return replay(seaCache({ steps: sequence.steps, ...options }), sequence.steps, {
      before: (step) => ({ distance: changeOf(filtered, step) }),
      after: nothing,
    });
  },
  dicache: (sequence, options) =>
    replay(diCache({ steps: sequence.steps, ...options }), sequence.steps, {
      before: (step, computed) => diCacheSignalOf(sequence, step, computed),
      after: nothing,
    }),
  "magcache authors": replayMagCache,
  "magcache diffusers": replayMagCache,
};

function replayMagCache({ steps }: Sequence, options: GoldenCase["options"]): Replayed {
  return replayBlind(magCache({ ...options, ratios: resampleRatios(options.ratios, steps) }), steps);
}

/** Compares weights by step; those that the golden file leaves out are 0. */
function expectWeights({ computed, weights }: Replayed, each: GoldenCase, tolerance: number): void {
  if (each.weights === undefined) return;
  expect([...weights.keys()]).toEqual(Object.keys(each.weights).map(Number));
  for (const [step, ours] of weights) {
    const kept = computed.filter((other) => other < step).toReversed();
    const theirs = new Map(each.weights[step]);
    const error = Math.max(
      ...kept.map((other, index) => Math.abs((ours[index] ?? 0) - (theirs.get(other) ?? 0))),
    );
    expect(error).toBeLessThan(tolerance);
    expect([...theirs.keys()].every((other) => kept.includes(other))).toBe(true);
  }
}

const casesOf = (rule: string) => golden.cases.filter((each) => each.rule === rule);

describe("rules with signals agree with the public implementations", () => {
  test.each(Object.keys(withSignals))("%s decides as it does on every sequence", (rule) => {
    const cases = casesOf(rule);
    expect(cases.length).toBeGreaterThanOrEqual(6);
    for (const each of cases) {
      const replayed = withSignals[rule]!(golden.sequences[each.sequence!]!, each.options);
      expect(replayed.computed, JSON.stringify(each.options)).toEqual(each.computed);
      expectWeights(replayed, each, 1e-6);
    }
  });

  test("the sequences make every rule compute some steps and reuse others, and NaviCache decide unlike EasyCache", () => {
    for (const rule of Object.keys(withSignals)) {
      const shares = casesOf(rule).map(
        (each) => each.computed.length / golden.sequences[each.sequence!]!.steps,
      );
      expect(Math.min(...shares)).toBeLessThan(0.5);
      expect(Math.max(...shares)).toBeGreaterThan(0.3);
    }
    const computedBy = (rule: string) => JSON.stringify(casesOf(rule).map(({ computed }) => computed));
    expect(computedBy("navicache")).not.toBe(computedBy("easycache"));
  });

  test("the ratios of MagCache are resampled as the authors and diffusers do", () => {
    for (const rule of ["magcache authors", "magcache diffusers"]) {
      for (const { options, computed, resampled } of casesOf(rule)) {
        expect(computed).not.toHaveLength(0);
        expect(resampleRatios(options.ratios, resampled!.length)).toEqual(resampled);
      }
    }
  });
});

describe("rules without signals agree with the public implementations", () => {
  test.each(["authors", "diffusers"] as const)("TaylorSeer computes and weighs as that of %s", (form) => {
    for (const each of casesOf(`taylorseer ${form}`)) {
      const replayed = replayBlind(taylorSeer({ ...each.options, form }), each.steps!);
      expect(replayed.computed).toEqual(each.computed);
      expectWeights(replayed, each, 1e-6);
    }
  });

  test("the Taylor calibrator of cache-dit weighs as a ladder whose differences begin after step 1", () => {
    for (const each of casesOf("calibrator")) {
      const weights = new Map<number, readonly number[]>();
      for (let step = 0; step < each.steps!; step++) {
        const kept = each.computed.filter((other) => other < step).toReversed();
        const ladder = { order: each.options.order as number, differencesFrom: 2 };
        if (!each.computed.includes(step)) weights.set(step, taylorWeights(kept, step, ladder));
      }
      expectWeights({ computed: each.computed, weights }, each, 1e-6);
    }
  });

  test("Spectrum computes as the authors', and weighs as they do on their axis of 50 steps", () => {
    for (const each of casesOf("spectrum")) {
      const options = { ...each.options, sumsToOne: false };
      const replayed = replayBlind(spectrum({ ...options, steps: each.steps! }), each.steps!);
      expect(replayed.computed).toEqual(each.computed);
      const weights = new Map(
        [...replayed.weights.keys()].map((step) => {
          const kept = each.computed.filter((other) => other < step).toReversed();
          return [step, spectrumWeights(kept, step, { ...options, steps: 50 })];
        }),
      );
      expectWeights({ computed: each.computed, weights }, each, 2e-4);
    }
  });
});
