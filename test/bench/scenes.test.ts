import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { benchmarkPrompts, FULL_ROUND, MOTIONS } from "../../tools/bench/scenes.ts";

test("a full round has every motion equally often, in different words, with one seed for each scene", () => {
  const prompts = benchmarkPrompts(FULL_ROUND);
  expect(new Set(prompts.map(({ text }) => text)).size).toBe(FULL_ROUND);
  for (const motion of MOTIONS) {
    expect(prompts.filter((prompt) => prompt.motion === motion)).toHaveLength(FULL_ROUND / MOTIONS.length);
  }
  expect(new Set(prompts.map(({ seed }) => seed)).size).toBe(FULL_ROUND / MOTIONS.length);
});

test("prompts beyond one round repeat its words with other seeds", () => {
  const prompts = benchmarkPrompts(2 * FULL_ROUND);
  const second = prompts.slice(FULL_ROUND);
  expect(second.map(({ text }) => text)).toEqual(prompts.slice(0, FULL_ROUND).map(({ text }) => text));
  expect(new Set(prompts.map(({ text, seed }) => `${text} ${seed}`)).size).toBe(prompts.length);
});

test("every word is one that the demo model's captions use", () => {
  const captions = readFileSync("tools/demo-model/scenes.py", "utf8");
  const words = new Set(benchmarkPrompts(FULL_ROUND).flatMap(({ text }) => text.split(" ")));
  const strangers = [...words].filter((word) => !new RegExp(`\\b${word}\\b`).test(captions));
  expect(strangers).toEqual([]);
});
