import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import { openParts } from "../../../lib/generation/pipeline/model/parts.ts";
import { unknownWords } from "../../../lib/generation/pipeline/text/unknown-words.ts";
import { calibrationPrompts, evaluationPrompts, readPrompts } from "../../../tools/bench/policies/prompts.ts";
import { benchmarkPrompts, FULL_ROUND, MOTIONS } from "../../../tools/bench/scenes.ts";

const texts = (prompts: readonly { text: string }[]) => prompts.map(({ text }) => text);

describe("the prompts of the evaluation", () => {
  test("there are 64 prompts, each with its own words and seed, and as many of each motion", () => {
    expect(new Set(texts(evaluationPrompts)).size).toBe(64);
    expect(new Set(evaluationPrompts.map(({ seed }) => seed)).size).toBe(64);
    for (const kind of MOTIONS) {
      expect(evaluationPrompts.filter(({ motion }) => motion === kind)).toHaveLength(16);
    }
  });

  test("no prompt of the evaluation is one of `quality` or calibrates a rival", () => {
    const others = [...texts(benchmarkPrompts(FULL_ROUND)), ...texts(calibrationPrompts)];
    expect(texts(evaluationPrompts).filter((text) => others.includes(text))).toEqual([]);
    const seeds = calibrationPrompts.map(({ seed }) => seed);
    expect(evaluationPrompts.filter(({ seed }) => seeds.includes(seed))).toEqual([]);
  });

  test("the demo model has learnt every word of all prompts", async () => {
    const model = await openParts(await openModelFolder("models/demo"), {});
    const unknown = [...evaluationPrompts, ...calibrationPrompts].flatMap(({ text }) =>
      unknownWords(model, { prompt: text, negativePrompt: null }),
    );
    expect(unknown).toEqual([]);
  });
});

describe("prompts of a file", () => {
  const scratch = mkdtempSync(join(tmpdir(), "adareel-prompts-"));
  afterAll(() => rmSync(scratch, { recursive: true }));
  const file = (contents: string) => {
    const path = join(scratch, "prompts.json");
    writeFileSync(path, contents);
    return path;
  };

  test("texts get seeds of their own, and objects keep theirs", () => {
    const path = file('["a cat", {"prompt": "a dog runs", "seed": 7, "motion": "fast"}]');
    expect(readPrompts(path, 100)).toEqual([
      { text: "a cat", seed: 100, motion: null },
      { text: "a dog runs", seed: 7, motion: "fast" },
    ]);
  });

  test("a file that is no list of prompts is refused in one sentence", () => {
    for (const contents of ["{", "[]", '["a cat"]', '[{"text": "a cat"}, "a dog"]', '["a cat", ""]']) {
      expect(() => readPrompts(file(contents))).toThrow(
        "prompts.json must be a JSON list of 2 to 1000 prompts, or of objects with prompt, seed and motion.",
      );
    }
    expect(() => readPrompts(join(scratch, "none.json"))).toThrow(/none\.json must be a JSON list/);
  });
});
