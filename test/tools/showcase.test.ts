import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SHOWCASE } from "../../tools/drawing/showcase.ts";
import { showcaseSheet } from "../../tools/drawing/showcase-sheet.ts";

const prompts = SHOWCASE.map(({ prompt }) => prompt);
const captions = readFileSync("tools/demo-model/scenes.py", "utf8");

test("every word of the README's picture is one that the demo model's captions use", () => {
  const words = new Set(prompts.flatMap((prompt) => prompt.split(" ")));
  expect([...words].filter((word) => !new RegExp(`\\b${word}\\b`).test(captions))).toEqual([]);
});

test("the README's picture shows every shape, and begins with the README's own prompt", () => {
  for (const shape of ["circle", "square", "triangle", "ring", "cross"]) {
    expect(prompts.some((prompt) => prompt.includes(shape))).toBe(true);
  }
  expect(readFileSync("README.md", "utf8")).toContain(`"${prompts[0]}"`);
});

test("the README's picture has each prompt above its two videos, with the computed steps below", () => {
  const frames = { width: 4, height: 4, count: 2, rgb: new Uint8Array(96) };
  const isComputed = [true, false, false, true];
  const shown = prompts.map((prompt) => ({
    prompt,
    uncached: { frames, isComputed: isComputed.map(() => true) },
    cached: { frames, isComputed },
  }));
  const { markup, videos, width, height } = showcaseSheet(shown);
  expect(videos).toHaveLength(2 * prompts.length);
  for (const { left, top, side } of videos) {
    expect([left + side < width, top + side < height]).toEqual([true, true]);
  }
  const texts = markup.flatMap((element) => />(.*)<\/text>$/.exec(element)?.[1] ?? []);
  expect(texts.join(" ")).toContain(prompts[0]);
  const numbers = texts.filter((text) => text.endsWith("steps"));
  expect(numbers).toEqual(prompts.flatMap(() => ["4 of 4 steps", "2 of 4 steps"]));
  const marks = markup.filter((element) => element.startsWith("<rect"));
  expect(marks).toHaveLength(2 * 4 * prompts.length);
});
