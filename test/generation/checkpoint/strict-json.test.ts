import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toPlain } from "../../../lib/generation/checkpoint/json-file.ts";
import { parseStrictJson } from "../../../lib/generation/checkpoint/strict-json.ts";

const limits = { depthMax: 50, valuesMax: 100_000 };
const parse = (text: string) => parseStrictJson(text, limits);

test("the parser reads all output of JSON.stringify as JSON.parse reads it", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(JSON.stringify(toPlain(parse(text)))).toBe(JSON.stringify(JSON.parse(text)));
    }),
  );
});

test("the parser refuses with a SyntaxError whatever JSON.parse refuses", () => {
  const damaged = fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 })).map(([text, place, insert]) => {
    const at = place % (text.length + 1);
    return text.slice(0, at) + insert + text.slice(at + insert.length);
  });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.string()), (text) => {
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      if (!isJson) expect(() => parse(text)).toThrow(SyntaxError);
    }),
    { numRuns: 2000 },
  );
});

test("the parser reads the numbers that Python writes beyond JSON only where they are asked for", () => {
  const text = '{"a": -Infinity, "b": [NaN, Infinity], "c": "NaN"}';
  const read = parseStrictJson(text, { ...limits, takesNonFinite: true });
  expect(toPlain(read)).toEqual({ a: -Infinity, b: [Number.NaN, Infinity], c: "NaN" });
  expect(() => parse(text)).toThrow(new SyntaxError("has no valid value at character 6"));
  for (const word of ["nan", "-NaN", "+Infinity", "Infinity1", "toString"]) {
    expect(() => parseStrictJson(`[${word}]`, { ...limits, takesNonFinite: true })).toThrow(SyntaxError);
  }
});

describe("it refuses", () => {
  test.each([
    ["a duplicate key", '{"a": 1, "\\u0061": 2}', 'has the key "a" twice'],
    ["a second value", "{} {}", "goes on after its end, at character 3"],
    ["too deep nesting", "[".repeat(51), "is nested deeper than 50 levels"],
    ["too many values", `[${"0,".repeat(100_000)}0]`, "has more than 100000 values"],
    ["an open string", '{"a', "has no valid value at character 1"],
    ["a comma too many", "[1,]", "has no valid value at character 3"],
    ["nothing", "", "has no valid value at character 0"],
  ])("the parser refuses this fault: %s", (_, text, message) => {
    expect(() => parse(text)).toThrow(new SyntaxError(message));
  });
});

test("a string of millions of characters does not exhaust the stack", () => {
  const long = "x".repeat(8_000_000);
  expect(parse(`"${long}"`)).toBe(long);
  expect(() => parse(`"${long}`)).toThrow(SyntaxError);
});

test("__proto__ is a key like any other", () => {
  const plain = toPlain(parse('{"__proto__": {"polluted": true}}')) as Record<string, unknown>;
  expect(Object.keys(plain)).toEqual(["__proto__"]);
  expect(plain.polluted).toBeUndefined();
});
