import { expect, test } from "vitest";
import { wordLines } from "../../lib/shared/word-lines.ts";

test("a text is broken between words, and a longer word has a line of its own", () => {
  expect(wordLines("a red circle moves", 12)).toEqual(["a red circle", "moves"]);
  expect(wordLines("checkerboard of red", 5)).toEqual(["checkerboard", "of", "red"]);
});

test("spaces around and between words are one, and an empty text is one empty line", () => {
  expect(wordLines("  a \n red  circle ", 40)).toEqual(["a red circle"]);
  expect(wordLines("", 40)).toEqual([""]);
});
