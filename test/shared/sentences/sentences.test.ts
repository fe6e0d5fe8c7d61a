import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import {
  examined,
  faultsOf,
  inOneSentence,
  listed,
  oneOf,
  wordings,
} from "../../../lib/shared/sentences/index.ts";
import { expectSentence } from "../../api/sentence.ts";

const whole = { whole: "The order" };

function sentenceAbout(schema: z.ZodType, value: unknown): string {
  const result = examined(schema, value, whole);
  if (result.ok) throw new Error("it was accepted");
  return result.fault.sentence;
}

describe("a sentence about a wrong value", () => {
  it.each<[z.ZodType, unknown, string]>([
    [z.int(), 1.5, "n is a whole number, not 1.5."],
    [z.int().positive(), 0, "n is a whole number of at least 1, not 0."],
    [z.int().min(0), -1, "n is a whole number from 0 up, not -1."],
    [z.int().max(5), 6, "n is a whole number up to 5, not 6."],
    [z.int().min(0), 2 ** 60, `n is a whole number from 0 to 9007199254740991, not ${2 ** 60}.`],
    [z.int().lt(5).gt(1), 5, "n is a whole number from 2 to 4, not 5."],
    [z.number().gt(0).lt(1), 1, "n is a number above 0 and below 1, not 1."],
    [z.number().positive(), 0, "n is a number above 0, not 0."],
    [z.number().positive().max(2), 3, "n is a number above 0 up to 2, not 3."],
    [z.number(), Number.NaN, "n must be a number."],
    [z.int().multipleOf(4).min(4), 6, "n is a multiple of 4 of at least 4, not 6."],
    [z.boolean(), "true", "n is true or false, not a text."],
    [z.string().min(1).max(3), "", "n is a text of 1 to 3 characters, not an empty one."],
    [z.string().max(3), "abcd", "n is a text of at most 3 characters, not one of 4."],
    [z.string().min(2), "a", "n is a text of at least 2 characters, not one of 1."],
    [z.string(), ["a"], "n is a text, not a list."],
    [z.string().nullable(), 1, "n is a text or null, not 1."],
    [z.enum(["red", "blue"]), "blu", "n must be red or blue: did you mean blue?"],
    [z.enum(["red", "blue"]), "x", "n must be red or blue."],
    [z.enum(["red", "blue"]), 1, "n is red or blue, not 1."],
    [z.literal("red"), null, "n is red, not null."],
    [z.array(z.string()).min(1).max(2), [], "n is a list of 1 to 2 entries, not an empty one."],
    [z.array(z.string()).max(1), ["a", "b"], "n is a list of at most 1 entry, not one of 2."],
    [z.array(z.string()).min(2).max(2), ["a"], "n is a list of 2 entries, not one of 1."],
    [z.array(z.int()), [1, "a"], "n entry 2 is a whole number, not a text."],
    [z.tuple([z.int(), z.int()]), 3, "n is a list of 2 entries, not 3."],
    [z.object({ a: z.int(), b: z.int() }), 1, "n is an object with a and b, not 1."],
    [
      z.record(z.string().max(2), z.int()),
      { abc: 1 },
      "A name in n is a text of at most 2 characters, not one of 3.",
    ],
    [z.union([z.string(), z.int()]), {}, "n is a text or a whole number, not an object."],
    [z.union([z.boolean(), z.object({ a: z.int() })]), 1, "n is true or false, or an object with a, not 1."],
    [z.union([z.string().max(1), z.int()]), "ab", "n is a text of at most 1 character, not one of 2."],
    [z.string().refine(() => false, "must rhyme"), "a", "n must rhyme."],
    [z.string().optional(), null, "n is a text, not null."],
    [z.int().default(3), "a", "n is a whole number, not a text."],
    [
      z
        .string()
        .transform((text) => text.trim())
        .pipe(z.string().min(1)),
      " ",
      "n is a text of at least 1 character, not an empty one.",
    ],
    [z.int(), undefined, "n is missing: it must be a whole number."],
  ])("the schema of case %# makes its sentence from its own bounds", (schema, value, sentence) => {
    expect(sentenceAbout(z.object({ n: schema }), { n: value })).toBe(sentence);
  });

  it("a wording replaces what a schema says, also for schemas that are derived from it", () => {
    const size = z
      .string()
      .regex(/^\d+x\d+$/)
      .register(wordings, { is: "a size such as 2x2", advice: "ask us" });
    expect(sentenceAbout(z.object({ size: size.optional().describe("Size.") }), { size: "2" })).toBe(
      "size must be a size such as 2x2; ask us.",
    );
    const name = z.string().register(wordings, { missing: "Say your name." });
    expect(sentenceAbout(z.object({ name }), {})).toBe("Say your name.");
    const rows = z.array(z.object({ a: z.int() })).register(wordings, { entry: "row" });
    expect(sentenceAbout(z.object({ rows }), { rows: [{ a: "x" }] })).toBe(
      "rows row 1: a is a whole number, not a text.",
    );
  });

  it("a missing field beside an unknown one is taken for a misspelling", () => {
    const schema = z.strictObject({ prompt: z.string() });
    expect(sentenceAbout(schema, { promt: "a" })).toBe("There is no field promt: did you mean prompt?");
    expect(sentenceAbout(schema, { colour: "a" })).toBe("There is no field colour: choose from prompt.");
  });

  it("a sentence repeats no text of the value, and cuts long names", () => {
    const secret = "very-secret".repeat(20);
    const schema = z.strictObject({ a: z.int().optional(), b: z.enum(["x"]).optional() });
    for (const value of [{ a: secret }, { b: secret }, secret, { a: [secret] }]) {
      expect(sentenceAbout(schema, value)).not.toContain("very-secret");
    }
    expect(sentenceAbout(schema, { [secret]: 1 }).length).toBeLessThan(120);
  });

  it("a fault has the path of its field, and the code that a refinement declares", () => {
    const schema = z.object({
      a: z.object({ b: z.int().refine(() => false, { error: "is odd", params: { code: "odd" } }) }),
    });
    expect(examined(schema, { a: { b: 1 } }, whole)).toEqual({
      ok: false,
      fault: { sentence: "a.b is odd.", path: ["a", "b"], isUnknownField: false, code: "odd" },
    });
  });

  it("the sentences of all faults are joined to one", () => {
    const faults = faultsOf(z.object({ a: z.int(), b: z.boolean() }), { a: "x", b: 1 }, whole);
    expect(inOneSentence(faults)).toBe("a is a whole number, not a text; b is true or false, not 1.");
  });

  it("any JSON is accepted by a schema, or refused in a sentence", () => {
    const schema = z.strictObject({
      list: z
        .array(z.union([z.int().min(3), z.strictObject({ text: z.string().max(2) })]))
        .max(2)
        .optional(),
      kind: z.discriminatedUnion("type", [
        z.object({ type: z.literal("a") }),
        z.object({ type: z.literal("b") }),
      ]),
    });
    const value = fc.oneof(fc.jsonValue(), fc.record({ list: fc.jsonValue(), kind: fc.jsonValue() }));
    fc.assert(
      fc.property(value, (given) => {
        const result = examined(schema, given, whole);
        if (!result.ok) expectSentence(result.fault.sentence);
      }),
    );
  });
});

it("words are joined as in a sentence", () => {
  expect([oneOf([]), oneOf(["a"]), oneOf(["a", "b"]), listed(["a", "b", "c"])]).toEqual([
    "",
    "a",
    "a or b",
    "a, b and c",
  ]);
});
