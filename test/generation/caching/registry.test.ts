import { describe, expect, test } from "vitest";
import type * as z from "zod";
import { CACHE_USAGE, cacheSettingSchema, policyKinds } from "../../../lib/generation/caching/index.ts";
import { SIGNALS } from "../../../lib/generation/caching/signals.ts";

const isSentence = expect.stringMatching(/^[A-Z].*\.$/);

describe.each(policyKinds.map((kind) => [kind.name, kind] as const))("the policy %s", (_name, kind) => {
  test("every option has a description and every column a sentence", () => {
    const options = Object.values(kind.options.shape) as z.ZodType[];
    for (const { description } of options) expect(description).toEqual(isSentence);
    for (const { description } of kind.columns) expect(description).toEqual(isSentence);
  });

  test("every signal that a policy names is declared", () => {
    for (const signal of kind.signals) expect(Object.keys(SIGNALS)).toContain(signal);
  });

  test("every form of a policy gives options that it takes, and is a setting of the API", () => {
    for (const { word, argument, options } of kind.forms) {
      const example = argument?.example ?? "";
      const run = { steps: 30, motion: true };
      expect(kind.options.safeParse(options(example, run)).error).toBeUndefined();
      expect(cacheSettingSchema.safeParse(argument ? `${word}:${example}` : word).error).toBeUndefined();
    }
  });
});

test("no two policies share a name or a word, and a key means one thing in all of them", () => {
  const names = policyKinds.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const words = policyKinds.flatMap(({ forms }) => forms.map(({ word }) => word));
  expect(new Set(words).size).toBe(words.length);
  const meanings = new Map<string, unknown>();
  const described = policyKinds.flatMap(({ options, columns }) => [
    ...Object.entries(options.shape).map(([key, schema]) => [`option ${key}`, schema] as const),
    ...columns.map((column) => [`column ${column.key}`, column] as const),
  ]);
  for (const [key, meaning] of described) {
    expect(meanings.get(key) ?? meaning).toBe(meaning);
    meanings.set(key, meaning);
  }
});

test("the help of --cache lists every form of a policy, and codebook files", () => {
  expect(CACHE_USAGE).toMatch(/^off, auto, fast, slow, static:K \(every K-th step computed\), at_least:D /);
  expect(CACHE_USAGE).toMatch(/, or FILE\.json with a codebook$/);
});
