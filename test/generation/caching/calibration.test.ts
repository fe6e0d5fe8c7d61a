import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { adacache } from "../../../lib/generation/caching/adacache.ts";
import {
  type CalibrationRun,
  createPolicy,
  off,
  parseCachePolicy,
  proposeCodebook,
  replayAll,
  replayRun,
  staticPolicy,
} from "../../../lib/generation/caching/index.ts";

const REACH = 5;

const every = (interval: number) => createPolicy(staticPolicy, { interval });

/** Creates a run whose probe changes by `change(step)` a step, and whose reuse has the skipped changes as its error. */
function runOf(
  steps: number,
  change: (step: number) => number,
  motionScore: number | null = 0.3,
): CalibrationRun {
  const since = (step: number, gap: number) =>
    Array.from({ length: gap }, (_, i) => change(step - i)).reduce((sum, value) => sum + value, 0);
  const lists = (of: (sum: number) => number) =>
    Array.from({ length: steps }, (_, step) =>
      Array.from({ length: Math.min(step, REACH) }, (_, i) => of(since(step, i + 1))),
    );
  return {
    changes: lists((sum) => sum),
    motionScores: Array.from({ length: steps }, () => motionScore),
    errors: lists((sum) => 2 * sum),
  };
}

/** Creates a run whose changes are large at both ends, as in denoising. */
const bowl = (steps: number, depth = 1) =>
  runOf(steps, (step) => 0.02 + depth * 0.3 * Math.abs((2 * step) / steps - 1) ** 3);

describe("replaying a run", () => {
  it("a replay computes what a fixed schedule says, and counts the error of every reuse", () => {
    const run = runOf(7, () => 0.1);
    const { computed, error } = replayRun(every(3), run);
    expect(computed).toEqual([1, 4, 7]);
    expect(error).toBeCloseTo((2 * (0.2 + 0.4)) / 7, 12);
    expect(replayRun(createPolicy(off, {}), run)).toEqual({ computed: [1, 2, 3, 4, 5, 6, 7], error: 0 });
  });

  it("a replay gives the policy the change since the last computed step", () => {
    const codebook = [
      { below: 0.25, rate: 3 },
      { below: null, rate: 1 },
    ];
    const policy = createPolicy(adacache, { codebook, motion: null });
    // The distance is 0.2 between steps 1 and 2, and also over 3 steps that change by 0.6.
    expect(
      replayRun(
        policy,
        runOf(9, () => 0.2),
      ).computed,
    ).toEqual([1, 2, 5, 8, 9]);
  });

  it("a replay computes steps without measurements, as the first of another transformer", () => {
    const { changes, motionScores, errors } = runOf(8, () => 0.1);
    const run = { changes: changes.with(4, []), motionScores, errors: errors.with(4, []) };
    expect(replayRun(every(8), run).computed).toEqual([1, 5, 8]);
  });
});

describe("a proposed codebook", () => {
  const runs = [bowl(30), bowl(30, 0.5), bowl(30, 2)];

  it.each([1.2, 1.5, 2, 2.5])(
    "a codebook proposed for a speedup makes at least %d steps of each computed one",
    (speedup) => {
      const proposed = proposeCodebook(runs, { speedup }, REACH + 1)!;
      expect(proposed.speedup).toBeGreaterThanOrEqual(speedup);
      expect(proposed.speedup).toBeLessThan(speedup * 1.25);
      const { codebook, motion } = proposed;
      expect(replayAll(runs, createPolicy(adacache, { codebook: [...codebook], motion }))).toEqual({
        speedup: proposed.speedup,
        error: proposed.error,
      });
    },
  );

  it.each([0.01, 0.05, 0.2])(
    "a codebook proposed for a mean error of at most %d reuses and stays within it",
    (error) => {
      const proposed = proposeCodebook(runs, { error }, REACH + 1)!;
      expect(proposed.error).toBeLessThanOrEqual(error);
      expect(proposed.speedup).toBeGreaterThan(1);
    },
  );

  it("a codebook is not proposed for an aim that no rate reaches", () => {
    expect(proposeCodebook(runs, { speedup: 10 }, REACH + 1)).toBeNull();
  });

  it("a codebook without allowed error computes every step", () => {
    expect(proposeCodebook(runs, { error: 0 }, REACH + 1)).toMatchObject({ speedup: 1, error: 0 });
  });

  it("a proposed codebook is a valid codebook file for any measurements", () => {
    const step = fc.record({
      change: fc.double({ min: 0, max: 3, noNaN: true }),
      score: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 2, maxLength: 20 }),
        fc.double({ min: 0.01, max: 2, noNaN: true }),
        (steps, error) => {
          const run = {
            ...runOf(steps.length, (i) => steps[i]!.change),
            motionScores: steps.map(({ score }) => score),
          };
          const { codebook, motion } = proposeCodebook([run], { error }, REACH + 1)!;
          const rows = codebook.map(({ below, rate }) => (below === null ? { rate } : { below, rate }));
          const file = JSON.parse(JSON.stringify({ codebook: rows, motion, origin: "a test" }));
          const policy = parseCachePolicy(file, { steps: steps.length, motion: true });
          expect(policy.options.codebook).toEqual(codebook);
          expect(policy.options.motion).toEqual(motion);
        },
      ),
      { numRuns: 40 },
    );
  });
});
