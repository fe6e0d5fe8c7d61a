import { describe, expect, test } from "vitest";
import { DBCACHE_SERVERS, dbCache } from "../../../../tools/bench/policies/rules/dbcache.ts";
import { DICACHE_WAN, diCache } from "../../../../tools/bench/policies/rules/dicache.ts";
import { EASYCACHE_WAN, easyCache } from "../../../../tools/bench/policies/rules/easycache.ts";
import {
  FIRST_BLOCK_DIFFUSERS,
  firstBlockCache,
} from "../../../../tools/bench/policies/rules/first-block.ts";
import { guidanceGate } from "../../../../tools/bench/policies/rules/guidance-gate.ts";
import { NAVICACHE_WAN, naviCache } from "../../../../tools/bench/policies/rules/navicache.ts";
import { SEACACHE_DIFFUSERS, seaCache } from "../../../../tools/bench/policies/rules/seacache.ts";
import { SPECTRUM, spectrum } from "../../../../tools/bench/policies/rules/spectrum.ts";
import { TAYLORSEER_WAN, taylorSeer } from "../../../../tools/bench/policies/rules/taylorseer.ts";
import { TEACACHE_FAST, teaCache } from "../../../../tools/bench/policies/rules/teacache.ts";

const tea = () => teaCache({ ...TEACACHE_FAST, polynomial: null, steps: 10 });

describe("a rule", () => {
  test("a state can be asked again, because asking and telling change nothing", () => {
    const first = tea().ask(0, { distance: null }).next.tell(0);
    const reused = first.ask(1, { distance: 0.15 });
    expect(reused).toMatchObject({ compute: false, weights: [1] });
    expect(reused.next.ask(2, { distance: 0.15 }).compute).toBe(true);
    expect(first.ask(1, { distance: 0.15 }).compute).toBe(false);
  });

  test("a signal that is not a number is computed by every rule that knows one", () => {
    const { NaN: none } = Number;
    const ratio = { size: 1, change: 0.1, latentChange: 0.1 };
    const easy = easyCache({ ...EASYCACHE_WAN, first: 1, steps: 10 }).tell(0, ratio);
    const navi = naviCache({ ...NAVICACHE_WAN, first: 1, steps: 10 }).tell(0, ratio);
    expect(tea().ask(1, { distance: none }).compute).toBe(true);
    expect(easy.ask(1, { latentChange: none }).compute).toBe(true);
    expect(navi.ask(1, { latentChange: none }).compute).toBe(true);
    expect(firstBlockCache(FIRST_BLOCK_DIFFUSERS).ask(1, { drift: none }).compute).toBe(true);
    expect(dbCache(DBCACHE_SERVERS).ask(5, { drift: none }).compute).toBe(true);
    expect(diCache({ ...DICACHE_WAN, steps: 10 }).ask(5, { change: none, progress: 1 }).compute).toBe(true);
    const sea = seaCache({ ...SEACACHE_DIFFUSERS, steps: 10 }).tell(0);
    expect(sea.ask(1, { distance: none }).compute).toBe(true);
  });

  test("a step without a signal is computed", () => {
    expect(tea().ask(1, { distance: null }).compute).toBe(true);
    expect(firstBlockCache(FIRST_BLOCK_DIFFUSERS).ask(0, { drift: null }).compute).toBe(true);
    expect(easyCache({ ...EASYCACHE_WAN, steps: 30 }).ask(12, { latentChange: 0.1 }).compute).toBe(true);
    expect(taylorSeer({ ...TAYLORSEER_WAN, first: 0, form: "diffusers" }).ask(0).compute).toBe(true);
  });
});

describe("DiCache", () => {
  test("gamma is kept within its bounds, and two equal probes reuse the newest residual", () => {
    const weightsAt = (progress: number | null) =>
      diCache({ ...DICACHE_WAN, steps: 10 }).ask(5, { change: 0.01, progress }).weights;
    expect(weightsAt(0.4)).toEqual([1, 0]);
    expect(weightsAt(1.5)).toEqual([1.5, -0.5]);
    expect(weightsAt(Infinity)).toEqual([2, -1]);
    expect(weightsAt(Number.NaN)).toEqual([1]);
    expect(weightsAt(null)).toEqual([1]);
  });
});

describe("options that cannot be", () => {
  test.each([
    [
      () => teaCache({ ...TEACACHE_FAST, polynomial: null, steps: 0 }),
      "steps has to be a whole number of at least 1, got 0",
    ],
    [() => dbCache({ ...DBCACHE_SERVERS, threshold: -1 }), "threshold has to be at least 0, got -1"],
    [() => guidanceGate({ steps: 4, share: 1.2 }), "share has to be 0 to 1, got 1.2"],
    [() => spectrum({ ...SPECTRUM, steps: 4, ridge: 0 }), "ridge has to be above 0, got 0"],
    [
      () => diCache({ ...DICACHE_WAN, steps: 4, gammaLimit: 0.5 }),
      "gammaLimit has to be at least 1, got 0.5",
    ],
    [
      () => seaCache({ ...SEACACHE_DIFFUSERS, steps: 4, threshold: Number.NaN }),
      "threshold has to be at least 0, got NaN",
    ],
  ])("options outside their bounds throw a RangeError with one sentence (%#)", (start, sentence) => {
    expect(start).toThrow(new RangeError(sentence));
  });
});
