import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type EstimateOptions,
  estimate,
  leastSeconds,
  type MeasuredRun,
  outcomeOf,
  type QuotedRequest,
  quoteSchema,
  RUNS_MAX,
  runStore,
  runsKey,
} from "../../../lib/service/quotes/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { seededRandom } from "../../../tools/plan/random.ts";
import { memoryStore } from "../jobs/memory-store.ts";
import { sampleRun } from "./sample-run.ts";

const NOW = sampleRun().at + 60_000;
const { at: _, seconds: __, computed: ___, ...shape } = sampleRun();
const REQUEST: QuotedRequest = {
  ...shape,
  model: "demo",
  secondsMost: null,
  computed: () => ({ least: 10, most: 10 }),
};
const adaptive = (total: number) => ({ least: 1, most: total });
const WAITING = { ahead: 0, workers: { least: 1, most: 1 }, isAtZero: false, coldStart: null };

const quoted = (
  runs: readonly MeasuredRun[],
  request: Partial<QuotedRequest> = {},
  more: Partial<EstimateOptions> = {},
) =>
  estimate(
    { ...REQUEST, ...request },
    { runs, waiting: WAITING, price: null, now: NOW, counted: 1000, ...more },
  );
const many = (changes = {}) => Array.from({ length: 20 }, () => sampleRun(changes));

describe("an estimate", () => {
  it("an estimate after equal runs is what they took, with a narrow range", () => {
    const { basis, seconds } = quoted(many());
    expect(basis).toBe("measured");
    expect(seconds!.expected).toBeCloseTo(12.3, 1);
    expect(seconds!.high / seconds!.low).toBeLessThan(1.1);
  });

  it("an estimate after one run has a wide range", () => {
    const { seconds } = quoted([sampleRun()]);
    expect(seconds!.high / seconds!.low).toBeGreaterThan(2);
  });

  it("an adaptive policy is expected to compute as many steps as with as many steps before, else in their share", () => {
    const counts = [8, 9, 10, 11, 12].map((computed) => sampleRun({ policy: "auto", computed }));
    const asked = { policy: "auto", computed: adaptive };
    expect(quoted(counts, asked).steps.computed.expected).toBe(10);
    expect(quoted(counts, { ...asked, steps: 60 }).steps).toMatchObject({
      total: 60,
      computed: { expected: 20 },
    });
    const unseen = quoted(counts, { ...asked, policy: "fast" });
    expect(unseen.steps.computed).toEqual({ expected: 15.5, low: 1, high: 30 });
    expect(unseen.notes.join()).toContain("was not seen yet");
  });

  it("a sampler's additional evaluations count in the steps", () => {
    expect(quoted(many({ evaluations: 39 }), { steps: 20 }).steps.total).toBe(29);
  });

  it("a comparison takes the time of the video without cache, too", () => {
    const once = quoted(many()).seconds!.expected;
    expect(quoted(many(), { isCompared: true }).seconds!.expected).toBeGreaterThan(once + 30);
  });

  it("a promise of seconds limits the range", () => {
    const asked = { policy: "at_most:5s", computed: adaptive };
    expect(quoted(many(), { ...asked, secondsMost: 5 }).seconds!.high).toBeLessThan(9);
  });

  it("runs of another worker than the newest one tell nothing", () => {
    const slow = many({ worker: "old", seconds: { make: 100, computedStep: 9 } });
    expect(quoted([...slow, ...many()]).seconds!.expected).toBeCloseTo(12.3, 1);
  });

  it("a video at zero instances waits for a machine: as observed, else as assumed, which is said", () => {
    const coldStart = { expected: 480, low: 300, high: 660 };
    const waiting = { ...WAITING, isAtZero: true, coldStart };
    const assumed = quoted(many(), {}, { waiting });
    expect(assumed.seconds!.parts.start).toBe(480);
    expect(assumed.notes.join()).toContain("assumed");
    const cold = sampleRun({ isCold: true, seconds: { wait: 400, load: 20, make: 32.2 } });
    const observed = quoted([...many(), cold, cold], { isCold: true }, { waiting });
    expect(observed.seconds!.parts).toMatchObject({ start: 400, make: expect.closeTo(32, -1) });
    expect(observed.notes.join()).not.toContain("assumed");
  });

  it("a price of several instance types ends with the dearest", () => {
    const price = { usdPerHour: 36, usdPerHourMost: 72, source: "list" as const };
    const { cost, seconds } = quoted(many(), {}, { price });
    expect(cost!.usd.expected).toBeCloseTo(seconds!.parts.make / 100);
    expect(cost!.usd.high).toBeGreaterThan(cost!.usd.expected * 1.9);
  });

  it("every figure is finite, and the expected one lies within its range, whatever was measured", () => {
    const run = fc.record({
      width: fc.constantFrom(64, 128),
      steps: fc.integer({ min: 1, max: 50 }),
      isGuided: fc.boolean(),
      isCompared: fc.boolean(),
      isCold: fc.boolean(),
      policy: fc.constantFrom("auto", "off"),
      ahead: fc.constantFrom(0, 3, null),
      seconds: fc.record({
        make: fc.double({ min: 0, max: 1e5, noNaN: true }),
        load: fc.double({ min: 0, max: 1e3, noNaN: true }),
        computedStep: fc.double({ min: 0, max: 1e3, noNaN: true }),
        reusedStep: fc.option(fc.double({ min: 0, max: 10, noNaN: true })),
        wait: fc.option(fc.double({ min: 0, max: 1e4, noNaN: true })),
      }),
    });
    const asked = fc.record({
      width: fc.constantFrom(64, 256),
      isGuided: fc.boolean(),
      isCold: fc.boolean(),
    });
    const ahead = fc.constantFrom(0, 1, 70, null);
    fc.assert(
      fc.property(fc.array(run, { maxLength: 12 }), asked, ahead, (given, request, ahead) => {
        const runs = given.map(({ steps, ...each }) =>
          sampleRun({ ...each, steps, evaluations: steps, computed: 1 }),
        );
        const price = { usdPerHour: 1, usdPerHourMost: 2, source: "setting" as const };
        const waiting = { ...WAITING, ahead };
        const quote = quoted(runs, { ...request, policy: "auto", computed: adaptive }, { waiting, price });
        expect(quoteSchema.parse(quote)).toEqual(quote);
        for (const range of [quote.seconds, quote.cost?.usd, quote.steps.computed]) {
          if (!range) continue;
          expect(range.low).toBeLessThanOrEqual(range.expected);
          expect(range.expected).toBeLessThanOrEqual(range.high);
        }
      }),
    );
  });
});

describe("an outcome", () => {
  it("an outcome tells whether it fell into the range, and what the making cost", () => {
    const price = { usdPerHour: 36, usdPerHourMost: 36, source: "setting" as const };
    const quote = quoted(many(), {}, { price });
    expect(outcomeOf(quote, { total: 12.3, made: 12 })).toEqual({
      seconds: 12.3,
      cost_usd: 0.12,
      within: true,
    });
    expect(outcomeOf(quote, { total: 60, made: 12 }).within).toBe(false);
    expect(outcomeOf(quoted([]), { total: 60, made: 12 })).toEqual({
      seconds: 60,
      cost_usd: null,
      within: null,
    });
  });
});

describe("the measured runs", () => {
  it("the measured runs of a model are the newest, and those that opened it stay longer", async () => {
    const store = memoryStore();
    const runs = runStore(store, system);
    await runs.add("a model/1", sampleRun({ isCold: true, steps: 1 }));
    for (let steps = 2; steps <= RUNS_MAX + 10; steps++) await runs.add("a model/1", sampleRun({ steps }));
    const kept = await runs.read("a model/1");
    expect(kept).toHaveLength(RUNS_MAX + 1);
    expect((kept as MeasuredRun[])[0]).toMatchObject({ isCold: true, steps: 1 });
    expect((await store.list("runs/")).keys).toEqual([runsKey("a model/1")]);
    expect(await runs.read("another")).toEqual([]);
  });
});

describe("the least seconds of a video", () => {
  const least = (
    runs: readonly MeasuredRun[],
    { request = {}, worker = "cpu" }: { request?: Partial<QuotedRequest>; worker?: string } = {},
  ) => leastSeconds({ ...REQUEST, ...request }, { runs, worker, now: NOW });

  it("the least seconds are those of equal runs, and further below what is expected than a quote's low end", () => {
    expect(least(many())).toBeCloseTo(12.2, 1);
    const uneven = Array.from({ length: 20 }, (_, index) =>
      sampleRun({ seconds: { make: 12 + (index % 5) } }),
    );
    const { low, expected } = quoted(uneven).seconds!;
    expect(least(uneven)! / expected).toBeLessThan((low / expected) ** 1.3);
  });

  it("the least seconds of 64 runs that vary by 1 % are 97 % of their median, and 92 % at 3 %", () => {
    const random = seededRandom(1);
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const shareAt = (deviation: number) => {
      const shares = Array.from({ length: 40 }, () => {
        const runs = Array.from({ length: 64 }, () => {
          const make = 80 * Math.exp(deviation * normal());
          return sampleRun({ seconds: { make, computedStep: make / 10 - 0.5, reusedStep: 0 } });
        });
        return least(runs)! / 80;
      });
      return shares.reduce((sum, share) => sum + share, 0) / shares.length;
    };
    expect(shareAt(0.01)).toBeCloseTo(0.97, 2);
    expect(shareAt(0.03)).toBeCloseTo(0.92, 2);
  });

  it("the least seconds are unknown with fewer than five runs of the shape on the same kind of worker", () => {
    const five = many().slice(0, 5);
    expect(least(five)).toBeGreaterThan(0);
    expect(least(five.slice(1))).toBeNull();
    expect(least(five, { worker: "cuda" })).toBeNull();
    expect(least(many(), { request: { frames: 32 } })).toBeNull();
    expect(least([])).toBeNull();
    expect(least([...many({ worker: "cuda" }), ...five])).toBeCloseTo(least(five)!, 9);
  });

  it("a policy of which no run was seen takes at least what its fewest steps do", () => {
    const unseen = { policy: "auto", computed: adaptive };
    expect(least(many(), { request: unseen })).toBeLessThan(least(many())! / 2);
  });

  it("the opening of a model is no part of the least seconds", () => {
    const cold = many({ isCold: true, seconds: { load: 60, make: 72.2 } }).slice(0, 8);
    expect(least([...cold, ...many()])).toBeLessThan(13);
  });
});
