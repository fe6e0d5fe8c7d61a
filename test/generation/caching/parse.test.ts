import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codebookFor } from "../../../lib/generation/caching/codebook.ts";
import { CachePolicyError, cacheTrace, parseCachePolicy } from "../../../lib/generation/caching/index.ts";
import { motionFor } from "../../../lib/generation/caching/motion.ts";
import { ask } from "./replay.ts";

const options = { steps: 30, motion: true };
const parse = (spec: unknown) => parseCachePolicy(spec, options);

describe("a named policy", () => {
  test("the policies off and static:K have neither codebook nor motion", () => {
    expect(parse("off")).toMatchObject({ name: "off", options: {} });
    expect(Object.keys(parse("off").options)).toEqual([]);
    expect(parse("static:3")).toMatchObject({ name: "static:3" });
    expect(parse("static:3").options).toEqual({ interval: 3, warmup: 0, forecast: false });
  });

  test("the policies slow and fast take the codebook and the motion constants of the run's length", () => {
    expect(parse("slow")).toMatchObject({ name: "slow", options: { codebook: codebookFor("slow", 30) } });
    const long = parseCachePolicy("fast", { steps: 100, motion: true });
    expect(long).toMatchObject({ options: { codebook: codebookFor("fast", 100), motion: motionFor(100) } });
    expect(parseCachePolicy("fast", { steps: 100, motion: false }).options.motion).toBeNull();
  });

  test.each([
    "",
    "none",
    "Fast",
    "static",
    "static:",
    "static:0",
    "static:-1",
    "static:1.5",
    "static:1e2",
    "static:99999",
  ])("the policy %j is refused", (spec) => expect(() => parse(spec)).toThrow(CachePolicyError));

  test("an unknown policy is refused with the list of policies", () => {
    expect(() => parse("fsat")).toThrow(
      'unknown cache policy "fsat": use off, auto, fast, slow, static:3, at_least:35dB, at_most:60s, computed_steps:12 or a codebook file',
    );
  });
});

describe("a warm-up", () => {
  const codebook = [{ rate: 4 }];
  const warmupOf = (spec: unknown, warmup?: number) =>
    parseCachePolicy(spec, { ...options, warmup }).options.warmup;

  test("the warm-up of the options wins over that of the codebook file, and without both there is none", () => {
    expect([warmupOf("fast", 5), warmupOf("slow", 5), warmupOf("static:3", 5)]).toEqual([5, 5, 5]);
    expect([warmupOf("fast"), warmupOf("static:3"), warmupOf({ codebook })]).toEqual([0, 0, 0]);
    expect(warmupOf({ codebook, warmup: 7 })).toBe(7);
    expect([warmupOf({ codebook, warmup: 7 }, 5), warmupOf({ codebook, warmup: 7 }, 0)]).toEqual([5, 0]);
  });

  test("a warm-up may be as long as the run", () => {
    expect([warmupOf("fast", 30), warmupOf({ codebook, warmup: 30 })]).toEqual([30, 30]);
  });

  test("the policy off has no warm-up, since it computes every step", () =>
    expect(warmupOf("off", 5)).toBeUndefined());

  test.each([-1, 1.5, 31, "3", true, [2], Number.NaN, Infinity])(
    "a warm-up of %o steps is refused, from options or file",
    (warmup) => {
      const specs = ["off", "static:3", "fast", { codebook }, { codebook, warmup: 2 }];
      for (const spec of specs) expect(() => warmupOf(spec, warmup as number)).toThrow(CachePolicyError);
      for (const asked of [undefined, 2]) {
        expect(() => warmupOf({ codebook, warmup }, asked)).toThrow(
          /^the warm-up is .*: a warm-up is a whole number of steps, from 0 to the 30 of the run$/,
        );
      }
    },
  );
});

describe("a codebook file", () => {
  test("a codebook file may have any number of rows, ends with one without a threshold, and may rename itself", () => {
    const policy = parse({ name: "mine", codebook: [{ below: 0.1, rate: 4 }, { rate: 1 }] });
    expect(policy).toMatchObject({
      name: "mine",
      options: {
        codebook: [
          { below: 0.1, rate: 4 },
          { below: null, rate: 1 },
        ],
      },
    });
    expect(parse({ codebook: [{ below: null, rate: 2 }] }).options.codebook).toEqual([
      { below: null, rate: 2 },
    ]);
  });

  test("a codebook file may change single motion constants and keep the others as published", () => {
    const window = { from: 2, to: 9, of: 10 };
    const codebook = [{ rate: 1 }];
    expect(parse({ codebook, motion: { reference: 0.5, window } }).options.motion).toEqual({
      ...motionFor(30),
      reference: 0.5,
      window,
    });
    expect(parse({ codebook, motion: { gradientGain: 0 } }).options.motion).toMatchObject({
      gradientGain: 0,
    });
    const still = parseCachePolicy({ codebook, motion: {} }, { steps: 30, motion: false });
    expect(still.options.motion).toBeNull();
  });

  test("a codebook, motion and warm-up of a trace parse back to the same policy", () => {
    const policy = parseCachePolicy("fast", { ...options, warmup: 3 });
    const trace = JSON.parse(JSON.stringify(cacheTrace("model", policy, [])));
    const { cache: name, origin, codebook, motion, warmup } = trace;
    expect(parse({ name, origin, codebook, motion, warmup })).toMatchObject({
      name: "fast",
      options: policy.options,
    });
    expect(policy.options.warmup).toBe(3);
  });

  const last = { rate: 1 };
  test.each<[string, unknown, string]>([
    [
      "that is no object",
      [last],
      "the codebook file is an object with name, origin, codebook, motion and warmup, not a list",
    ],
    [
      "that is null",
      null,
      "the codebook file is an object with name, origin, codebook, motion and warmup, not null",
    ],
    [
      "with an unknown field",
      { codebook: [last], speed: 3 },
      "There is no field speed: choose from name, origin, codebook, motion and warmup",
    ],
    [
      "with an empty name",
      { name: "", codebook: [last] },
      "name is a text of 1 to 80 characters, not an empty one",
    ],
    [
      "without rows",
      { codebook: [] },
      'codebook is a list of rows, such as [{"below": 0.1, "rate": 4}, {"rate": 1}], not an empty one',
    ],
    [
      "whose rows are no array",
      { codebook: { 0.1: 4 } },
      'codebook is a list of rows, such as [{"below": 0.1, "rate": 4}, {"rate": 1}], not an object',
    ],
    [
      "that is not ascending",
      { codebook: [{ below: 0.2, rate: 3 }, { below: 0.1, rate: 2 }, last] },
      "codebook row 2: below is a number above the 0.2 of the row before it, not 0.1",
    ],
    [
      "with the same threshold twice",
      { codebook: [{ below: 0.2, rate: 3 }, { below: 0.2, rate: 2 }, last] },
      "codebook row 2: below is a number above the 0.2 of the row before it, not 0.2",
    ],
    [
      "that does not end",
      { codebook: [{ below: 0.2, rate: 3 }] },
      "codebook row 1 is the last and has below: add a row without it, so that every distance finds a rate",
    ],
    [
      "that ends too early",
      { codebook: [{ rate: 3 }, last] },
      "codebook row 1: below is missing: only the last row may leave it out",
    ],
    [
      "with a threshold of 0",
      { codebook: [{ below: 0, rate: 3 }, last] },
      "codebook row 1: below is a number above 0 or null, not 0",
    ],
    [
      "with a threshold in words",
      { codebook: [{ below: "0.1", rate: 3 }, last] },
      "codebook row 1: below is a number above 0 or null, not a text: write it without quotes",
    ],
    [
      "with rate 0",
      { codebook: [{ below: 0.1, rate: 0 }, last] },
      "codebook row 1: rate is a whole number of at least 1, not 0",
    ],
    [
      "with half a step",
      { codebook: [{ rate: 1.5 }] },
      "codebook row 1: rate is a whole number of at least 1, not 1.5",
    ],
    [
      "with a misspelt row",
      { codebook: [{ bellow: 0.1, rate: 2 }, last] },
      "There is no field bellow in codebook row 1: did you mean below?",
    ],
    ["with a number for a row", { codebook: [3] }, "codebook row 1 is an object with below and rate, not 3"],
    [
      "with an unknown motion constant",
      { codebook: [last], motion: { strides: [1] } },
      "There is no field strides in motion: choose from reference, power, divisor, gradientGain and window",
    ],
    [
      "with a negative motion constant",
      { codebook: [last], motion: { power: -8 } },
      "motion.power is a number above 0, not -8",
    ],
    [
      "with a window beyond its run",
      { codebook: [last], motion: { window: { from: 4, to: 40, of: 30 } } },
      'motion.window needs 1 <= from <= to <= of, such as {"from": 4, "to": 26, "of": 30}',
    ],
  ])("a codebook file %s is refused in one sentence", (_title, spec, message) => {
    expect(() => parse(spec)).toThrow(new CachePolicyError(message));
  });

  test("a codebook file with any other content is refused with a CachePolicyError, never a crash", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.record({ codebook: fc.jsonValue(), motion: fc.jsonValue(), warmup: fc.jsonValue() }),
        ),
        (spec) => {
          try {
            ask(parse(spec).start(30), 0);
          } catch (error) {
            expect(error).toBeInstanceOf(CachePolicyError);
            expect((error as Error).message.length).toBeLessThan(300);
          }
        },
      ),
    );
  });
});
