import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  CODEBOOK_PROMPTS,
  DEMO_TABLE_PROMPTS,
  TABLE_PROMPTS,
} from "../../functions/cli/calibration-prompts.ts";
import { openTokenizer } from "../../lib/generation/pipeline/text/tokenizer.ts";
import { unknownWords } from "../../lib/generation/pipeline/text/unknown-words.ts";
import { calibrationPrompts, evaluationPrompts } from "../../tools/bench/policies/prompts.ts";
import { benchmarkPrompts, FULL_ROUND } from "../../tools/bench/scenes.ts";

const demo = join(import.meta.dirname, "../../models/demo");
const heldOut: { prompt: string; seed: number }[] = JSON.parse(
  readFileSync(join(demo, "held-out-prompts.json"), "utf8"),
);

it("no prompt and no seed of the demo model's table is one that a benchmark evaluates", () => {
  const evaluated = [
    ...[...benchmarkPrompts(4 * FULL_ROUND), ...evaluationPrompts, ...calibrationPrompts].map(
      ({ text, seed }) => ({ prompt: text, seed }),
    ),
    ...heldOut,
  ];
  const texts = new Set(evaluated.map(({ prompt }) => prompt));
  const seeds = new Set(evaluated.map(({ seed }) => seed));
  expect(DEMO_TABLE_PROMPTS.filter(({ prompt }) => texts.has(prompt))).toEqual([]);
  expect(DEMO_TABLE_PROMPTS.filter(({ seed }) => seeds.has(seed))).toEqual([]);
});

it("the demo model has learnt every word of its table's prompts, which all differ", async () => {
  const config = JSON.parse(readFileSync(join(demo, "tokenizer/tokenizer_config.json"), "utf8"));
  const tokenizer = await openTokenizer(join(demo, "tokenizer"), config);
  const model = { recipe: { vocabulary: "words" as const }, tokenizer };
  const words = DEMO_TABLE_PROMPTS.flatMap(({ prompt }) =>
    unknownWords(model, { prompt, negativePrompt: null }),
  );
  expect(words).toEqual([]);
  expect(new Set(DEMO_TABLE_PROMPTS.map(({ prompt }) => prompt)).size).toBe(40);
});

it("the prompts of other models are ten, those of codebooks among them, each with its own seed", () => {
  expect(TABLE_PROMPTS).toHaveLength(10);
  expect(TABLE_PROMPTS).toEqual(expect.arrayContaining([...CODEBOOK_PROMPTS]));
  expect(new Set(TABLE_PROMPTS.map(({ seed }) => seed)).size).toBe(10);
});
