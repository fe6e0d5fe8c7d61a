import { expect, test } from "vitest";
import { unknownWordsLines } from "../../functions/cli/unknown-words.ts";

const lines = (...unknownWords: string[]) => unknownWordsLines("demo", { unknownWords });
const end = ": README.md in its folder says what it understands.";

test("a prompt without unknown words adds no line to the report", () => {
  expect(lines()).toEqual([]);
});

test("a line of the report names the words that the model does not know", () => {
  expect(lines("dog")).toEqual([`The demo model does not know the word dog${end}`]);
  expect(lines("dog", "beach")).toEqual([`The demo model does not know the words dog, beach${end}`]);
});

test("a line of the report stays short for many words and for long ones", () => {
  const many = Array.from({ length: 20 }, (_, index) => `w${index}`);
  expect(lines(...many)).toEqual([
    `The demo model does not know the words w0, w1, w2, w3, w4, w5, w6, w7 and 12 more${end}`,
  ]);
  expect(lines("🔴".repeat(100))[0]).toContain(`the word ${"🔴".repeat(40)}…: README`);
});
