import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adacache } from "../../../lib/generation/caching/adacache.ts";
import { type Codebook, codebookFor, rateAt } from "../../../lib/generation/caching/codebook.ts";
import { createPolicy, parseCachePolicy } from "../../../lib/generation/caching/index.ts";
import { type MotionRegularisation, motionFor } from "../../../lib/generation/caching/motion.ts";
import { ask, constantChange, type Measurement, replay, tell } from "./replay.ts";

interface Options {
  readonly codebook: Codebook;
  readonly motion: MotionRegularisation | null;
  readonly warmup?: number;
}

const adacacheOf = ({ codebook, ...options }: Options) =>
  createPolicy(adacache, { codebook: [...codebook], ...options });

const fast30 = adacacheOf({ codebook: codebookFor("fast", 30), motion: null });
const fast100 = adacacheOf({ codebook: codebookFor("fast", 100), motion: null });

const steps = fc.integer({ min: 1, max: 120 });
const rates = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 9 });
const codebook = rates.chain((rates) =>
  fc
    .uniqueArray(fc.double({ min: 0.001, max: 3, noNaN: true }), {
      minLength: rates.length - 1,
      maxLength: rates.length - 1,
    })
    .map((thresholds): Codebook => {
      const below = thresholds.toSorted((a, b) => a - b);
      return rates.map((rate, index) => ({ below: below[index] ?? null, rate }));
    }),
);
/** Any value that a graph may output, invalid ones included. */
const signal = fc.option(
  fc.oneof(fc.double({ min: 0, max: 2, noNaN: true }), fc.constantFrom(Number.NaN, Infinity)),
);
const measurements = fc.array(fc.record<Measurement>({ change: signal, motionScore: signal }), {
  minLength: 120,
  maxLength: 120,
});
const policy = fc.record({ codebook, motion: fc.option(steps.map(motionFor)) }).map(adacacheOf);

describe("the schedule", () => {
  test("the schedule always computes steps 1, N-1 and N", () => {
    fc.assert(
      fc.property(policy, steps, measurements, (policy, steps, measurements) => {
        const { computed } = replay(policy, steps, (step) => measurements[step]!);
        const forced = [1, steps - 1, steps].filter((step) => step >= 1);
        expect(computed).toEqual(expect.arrayContaining(forced));
      }),
    );
  });

  test("the schedule never waits longer than the largest rate of its codebook", () => {
    fc.assert(
      fc.property(policy, steps, measurements, (policy, steps, measurements) => {
        const { computed } = replay(policy, steps, (step) => measurements[step]!);
        const largest = Math.max(...policy.options.codebook.map(({ rate }) => rate));
        const gaps = computed.slice(1).map((step, index) => step - computed[index]!);
        expect(Math.max(1, ...gaps)).toBeLessThanOrEqual(largest);
      }),
    );
  });

  test("the schedule never computes fewer steps for a greater constant change", () => {
    const falling = codebook.map((rows) => {
      const sorted = rows.map(({ rate }) => rate).sort((a, b) => b - a);
      return rows.map(({ below }, index) => ({ below, rate: sorted[index]! }));
    });
    const change = fc.double({ min: 0, max: 3, noNaN: true });
    fc.assert(
      fc.property(falling, steps, change, change, (codebook, steps, one, other) => {
        const policy = adacacheOf({ codebook, motion: null });
        const count = (change: number) => replay(policy, steps, constantChange(change)).computed.length;
        expect(count(Math.max(one, other))).toBeGreaterThanOrEqual(count(Math.min(one, other)));
      }),
    );
  });

  test("the schedule stays within the published speedups at 30 and at 100 steps", () => {
    expect(replay(fast30, 30, constantChange(0)).computed).toHaveLength(8);
    expect(replay(fast30, 30, constantChange(9)).computed).toHaveLength(30);
    const slow30 = adacacheOf({ codebook: codebookFor("slow", 30), motion: null });
    expect(replay(slow30, 30, constantChange(0)).computed).toHaveLength(12);
    expect(replay(fast100, 100, constantChange(0)).computed).toHaveLength(12);
    expect(replay(fast100, 100, constantChange(9)).computed).toHaveLength(36);
  });

  test.each([1, 2, 3, 4])(
    "a run of %i steps is computed whole: the forced steps overlap and step 2 follows step 1",
    (n) => {
      const all = Array.from({ length: n }, (_, index) => index + 1);
      expect(replay(fast30, n, constantChange(0)).computed).toEqual(all);
    },
  );

  test("the schedule divides by the planned rate even where step N-1 came sooner", () => {
    const { computed, decisions } = replay(fast30, 30, constantChange(0.06));
    expect(computed.slice(-3)).toEqual([26, 29, 30]);
    expect(decisions.at(-2)).toMatchObject({ rate: 6, distance: 0.01 });
  });

  test("the schedule refuses a length that is not a whole number of steps", () => {
    for (const steps of [0, -1, 2.5, Number.NaN, Infinity]) {
      expect(() => fast30.start(steps)).toThrow(RangeError);
    }
  });
});

describe("a step without information", () => {
  test.each([null, Number.NaN, Infinity])(
    "a step with change %s is followed by a computed step",
    (change) => {
      const first = tell(fast100.start(100), 0, { change, motionScore: null });
      expect([ask(first.next, 1).answer, ask(first.next, 2).answer]).toEqual(["compute", "reuse"]);
      expect(first.decision).toEqual({
        change: null,
        motionScore: null,
        motionFactor: null,
        distance: null,
        rate: null,
      });
    },
  );

  test("an all-zero cached probe does not select the last row, which at 100 steps would skip two", () => {
    const { computed } = replay(fast100, 100, (step) => ({
      change: step < 10 ? Number.NaN : 0.5,
      motionScore: null,
    }));
    expect(computed.slice(0, 13)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 17]);
  });

  test("a single frame has no motion score, and its motion factor is 1 throughout", () => {
    const moving = adacacheOf({ codebook: codebookFor("fast", 30), motion: motionFor(30) });
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 30 }), (changes) => {
        const measure = (step: number): Measurement => ({ change: changes[step]!, motionScore: null });
        const still = replay(fast30, 30, measure);
        const { computed, decisions } = replay(moving, 30, measure);
        expect(computed).toEqual(still.computed);
        expect(decisions.every(({ motionFactor }) => motionFactor === 1)).toBe(true);
      }),
    );
  });
});

describe("a warm-up", () => {
  const fast = (warmup: number) => adacacheOf({ codebook: codebookFor("fast", 30), motion: null, warmup });
  const motion = fc.option(steps.map(motionFor));

  test("a warm-up divides by one step between its steps, and its last step plans by the codebook", () => {
    const { computed, decisions } = replay(fast(6), 30, constantChange(0.06));
    expect(computed).toEqual([1, 2, 3, 4, 5, 6, 12, 18, 24, 29, 30]);
    const numbers = decisions.map(({ distance, rate }) => [distance, rate]);
    // Not 0.06 / 6, as if the codebook had planned the step before.
    expect(numbers.slice(0, 6)).toEqual([
      [null, null],
      [0.06, 1],
      [0.06, 1],
      [0.06, 1],
      [0.06, 1],
      [0.06, 6],
    ]);
    expect(numbers[6]).toEqual([0.01, 6]);
  });

  test("a warm-up divides the motion gradient by one step too", () => {
    const window = { from: 1, to: 30, of: 30 };
    const policy = adacacheOf({
      codebook: [{ below: null, rate: 5 }],
      motion: { ...motionFor(30), reference: 1, power: 1, window },
      warmup: 5,
    });
    // The weight grows by 0.1 a step, which the gain multiplies to 1; step 10 is 5 steps after step 5.
    const measure = (step: number) => ({ change: step === 0 ? null : 0.01, motionScore: step / 10 });
    const { computed, decisions } = replay(policy, 30, measure);
    expect(computed.slice(3, 6)).toEqual([4, 5, 10]);
    const factors = decisions.slice(3, 6).map(({ motionFactor }) => motionFactor!.toFixed(6));
    expect(factors).toEqual(["1.300000", "1.400000", "1.900000"]);
  });

  test("a warm-up computes its steps whatever they measure, as a codebook of rate 1 would", () => {
    fc.assert(
      fc.property(codebook, motion, steps, steps, measurements, (codebook, motion, length, warmup, all) => {
        const measure = (step: number) => all[step]!;
        const inside = Math.min(warmup, length);
        const run = replay(adacacheOf({ codebook, motion, warmup }), length, measure);
        const everyStep = [{ below: null, rate: 1 }];
        const every = replay(adacacheOf({ codebook: everyStep, motion }), length, measure);
        expect(run.computed.slice(0, inside)).toEqual(every.computed.slice(0, inside));
        expect(run.decisions.slice(0, inside - 1)).toEqual(every.decisions.slice(0, inside - 1));
        // The last step of the warm-up measures as the others do, but plans by the codebook.
        const { rate, ...measured } = run.decisions[inside - 1]!;
        expect(every.decisions[inside - 1]).toMatchObject(measured);
        if (warmup <= length) {
          expect(rate).toBe(measured.distance === null ? null : rateAt(codebook, measured.distance));
        }
        if (inside < length) {
          const forced = Math.max(inside + 1, length - 1);
          expect(run.computed[inside]).toBe(Math.min(inside + (rate ?? 1), forced));
        }
      }),
    );
  });

  test("a warm-up of no step or one changes nothing, since the first step is computed anyway", () => {
    fc.assert(
      fc.property(codebook, motion, steps, measurements, (codebook, motion, length, all) => {
        const run = (options: { warmup?: number }) =>
          replay(adacacheOf({ codebook, motion, ...options }), length, (step) => all[step]!);
        expect(run({ warmup: 0 })).toEqual(run({}));
        expect(run({ warmup: 1 })).toEqual(run({}));
      }),
    );
  });

  test("a warm-up as long as the run or longer computes all of it", () => {
    for (const warmup of [30, 99]) {
      expect(replay(fast(warmup), 30, constantChange(0)).computed).toHaveLength(30);
    }
  });

  test("a warm-up that is not a whole number of steps is refused", () => {
    for (const warmup of [-1, 0.5, Number.NaN, Infinity]) expect(() => fast(warmup)).toThrow(RangeError);
  });
});

describe("the state of a generation", () => {
  test("the state of a generation is its own: two interleaved generations decide as each alone", () => {
    fc.assert(
      fc.property(policy, steps, measurements, measurements, (policy, steps, one, other) => {
        const alone = [one, other].map((all) => replay(policy, steps, (step) => all[step]!));
        const runs = [one, other].map((all) => ({
          all,
          cache: policy.start(steps),
          computed: [] as number[],
        }));
        for (let step = 0; step < steps; step++) {
          for (const run of runs) {
            const { answer, next } = ask(run.cache, step);
            run.cache = answer === "reuse" ? next : tell(next, step, run.all[step]!).next;
            if (answer === "reuse") continue;
            run.computed.push(step + 1);
          }
        }
        expect(runs.map(({ computed }) => computed)).toEqual(alone.map(({ computed }) => computed));
      }),
    );
  });

  test("a state is immutable: the same state and measurement give the same decision again", () => {
    fc.assert(
      fc.property(policy, measurements, (policy, measurements) => {
        const before = tell(policy.start(30), 0, measurements[0]!).next;
        const due = () => Array.from({ length: 30 }, (_, step) => ask(before, step).answer);
        const dueBefore = due();
        const first = tell(before, 1, measurements[1]!).decision;
        tell(tell(before, 1, measurements[2]!).next, 2, measurements[3]!);
        expect(tell(before, 1, measurements[1]!).decision).toEqual(first);
        expect(due()).toEqual(dueBefore);
      }),
    );
  });

  test("the state starts afresh after a cancelled generation, where the authors' step counter goes on", () => {
    const policy = parseCachePolicy("fast", { steps: 30, motion: true });
    const measure = (step: number): Measurement => ({ change: 0.2 + step / 100, motionScore: 0.4 });
    const fresh = replay(policy, 30, measure);
    let cancelled = policy.start(30);
    for (let step = 0; step < 11; step++) cancelled = tell(cancelled, step, measure(step)).next;
    expect(replay(policy, 30, measure)).toEqual(fresh);
  });

  test("the motion weight starts at 1 after a video that ended inside the window, where the authors' prev_moreg stays", () => {
    const motion = { ...motionFor(30), window: { from: 1, to: 30, of: 30 } };
    const policy = adacacheOf({ codebook: codebookFor("fast", 30), motion });
    const second = () => replay(policy, 30, constantChange(0.1, 0.385)).decisions[1]!.motionFactor;
    const before = second();
    replay(policy, 30, constantChange(0.1, 0.6));
    expect([before, second()]).toEqual([1, 1]);
  });
});
