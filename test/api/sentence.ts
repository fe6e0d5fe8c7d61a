import { expect } from "vitest";

/** Words of validators and of JavaScript, which are no words for people. */
const FOREIGN = /Invalid input|expected|received|Too (small|big)|\w+Error|undefined|NaN|\[object|\n\s*at /;

/** Asserts that a text is one sentence or two, without words of a validator. Quoted names may be anything. */
export function expectSentence(text: string): void {
  const said = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  expect(said).not.toMatch(FOREIGN);
  expect(said).toMatch(/^["\w-].*[.?]$/s);
  expect(said.split(/[.?] (?=[A-Z])/).length, text).toBeLessThanOrEqual(2);
}
