import { describe, expect, test } from "vitest";
import {
  budget,
  CachePolicyError,
  hasFewSteps,
  type ParseOptions,
  parseCachePolicy,
} from "../../../lib/generation/caching/index.ts";
import { ask } from "./replay.ts";
import { sampleTable } from "./sample-table.ts";

const parse = (spec: string, run: Partial<ParseOptions> = {}) =>
  parseCachePolicy(spec, { steps: 30, motion: false, ...run });

describe("a promise", () => {
  test.each([
    ["at_least:35dB", { at_least_db: 35 }],
    ["at_least:35", { at_least_db: 35 }],
    ["at_least:42.5 db", { at_least_db: 42.5 }],
    ["at_most:60s", { at_most_seconds: 60 }],
    ["at_most:60", { at_most_seconds: 60 }],
    ["at_most:2m", { at_most_seconds: 120 }],
    ["at_most:1.5min", { at_most_seconds: 90 }],
    ["at_most:24h", { at_most_seconds: 86_400 }],
    ["computed_steps:12", { computed_steps: 12 }],
    ["computed_steps:1", { computed_steps: 1 }],
    ["computed_steps:30", { computed_steps: 30 }],
  ])("the promise %s has the goal %j", (spec, goal) => {
    expect(parse(spec).options).toEqual({ goal, computesAll: false, forecast: true });
  });

  test.each([
    ["at_least:0dB", /needs a number of dB from 1 to 100 after the colon, for example at_least:35dB$/],
    ["at_least:-3", /needs a number of dB from 1 to 100/],
    ["at_least:101", /needs a number of dB from 1 to 100/],
    ["at_least:NaN", /needs a number of dB from 1 to 100/],
    ["at_least:35%", /needs a number of dB from 1 to 100/],
    ["at_least:1e2", /needs a number of dB from 1 to 100/],
    ["at_most:0s", /needs a time from 0\.01 s to 24 h after the colon, for example at_most:60s$/],
    ["at_most:-1", /needs a time from 0\.01 s to 24 h/],
    ["at_most:25h", /needs a time from 0\.01 s to 24 h/],
    ["at_most:86401", /needs a time from 0\.01 s to 24 h/],
    ["at_most:60d", /needs a time from 0\.01 s to 24 h/],
    ["computed_steps:0", /needs a whole number from 1 to the steps of the run after the colon/],
    ["computed_steps:2.5", /needs a whole number from 1/],
    ["computed_steps:1001", /needs a whole number from 1/],
    ["computed_steps", /^unknown cache policy/],
    [
      "computed_steps:31",
      /^the number of computed steps is 31: it is a whole number from 1 to the 30 of the run$/,
    ],
  ])("the promise %s is refused in one sentence", (spec, sentence) => {
    expect(() => parse(spec)).toThrow(CachePolicyError);
    expect(() => parse(spec)).toThrow(sentence);
  });

  test("a promise in dB is refused above what the precision can give", () => {
    expect(() => parse("at_least:50dB", { precision: "float16" })).toThrow(
      "a promise of 50 dB is more than float16 can keep: ask for at most 45 dB, or run with PRECISION=float32",
    );
    expect(() => parse("at_least:41dB", { precision: "int8" })).toThrow(
      "a promise of 41 dB is more than int8 can keep: ask for at most 40 dB, or run with PRECISION=float32",
    );
    expect(parse("at_least:40dB", { precision: "int8" }).options.goal).toEqual({ at_least_db: 40 });
    expect(parse("at_least:50dB", { precision: "float32" }).options.goal).toEqual({ at_least_db: 50 });
    for (const precision of ["float32", undefined] as const) {
      expect(() => parse("at_least:81dB", { precision })).toThrow(
        "a promise of 81 dB is more than float32 can keep: ask for at most 80 dB",
      );
    }
  });

  test("a promise in dB needs a table, where it is known whether there is one", () => {
    expect(() => parse("at_least:35dB", { table: null, model: "demo" })).toThrow(
      "a promise in dB needs a table of what reuse costs this model, and there is none: " +
        "run npm run models -- calibrate demo --table",
    );
    expect(() => parse("at_least:20dB", { table: null, model: "demo", precision: "int8" })).toThrow(
      /run npm run models -- calibrate demo --table --precision int8$/,
    );
    expect(parse("at_least:35dB", { table: sampleTable(60) }).name).toBe("at_least:35dB");
    expect(() => parse("at_least:61dB", { table: sampleTable(60) })).toThrow(
      "a promise of 61 dB is more than this model's table has for 30 steps: ask for at most 60 dB, or for quality lossless",
    );
    for (const spec of ["auto", "at_most:60s", "computed_steps:12"])
      expect(parse(spec, { table: null }).name).toBe(spec);
  });
});

describe("the policy auto", () => {
  test("the policy auto forecasts unless it is told not to, and AdaCache the other way round", () => {
    expect(parse("auto").options).toEqual({ goal: null, computesAll: false, forecast: true });
    expect(parse("auto", { forecast: false }).options.forecast).toBe(false);
    expect(parse("slow").options.forecast).toBe(false);
    expect(parse("static:3", { forecast: true }).options.forecast).toBe(true);
  });

  test.each([
    { steps: 8, modelSteps: 30, isShort: true },
    { steps: 9, modelSteps: 30, isShort: false },
    { steps: 30, modelSteps: 4, isShort: true },
    { steps: 30, modelSteps: undefined, isShort: false },
  ])("a run of $steps steps of a model that takes $modelSteps has nothing to save: $isShort", (run) => {
    const { isShort, ...known } = run;
    expect(hasFewSteps(known)).toBe(isShort);
    expect(parse("auto", known).options.computesAll).toBe(isShort);
  });

  test("the policy auto computes every step of a run in which reuse has nothing to save", () => {
    const state = parse("auto", { steps: 8 }).start(17);
    const answers = Array.from({ length: 17 }, (_, step) => ask(state, step).answer);
    expect(new Set(answers)).toEqual(new Set(["compute"]));
  });

  test("the policy auto is the first form of the budget, and a choice of pages", () => {
    const [first] = budget.forms;
    expect(first).toMatchObject({ word: "auto", choice: { label: "Auto" } });
  });
});
