import { describe, expect, it, test } from "vitest";
import { textOfHtml, unescapeHtml } from "../../../../lib/generation/models/captions/html.ts";
import { repairedText } from "../../../../lib/generation/models/captions/repaired-text.ts";

/** Texts, each with the result of `html.unescape` of Python 3.11. */
const UNESCAPED = [
  ["&alpha;", "\u03b1"],
  ["&notin;", "\u2209"],
  ["&NotEqualTilde;", "\u2242\u0338"],
  ["&CounterClockwiseContourIntegral;", "\u2233"],
  ["&fjlig;", "fj"],
  ["&copy 2026", "\u00a9 2026"],
  ["&copyright", "\u00a9right"],
  ["&notit;", "\u00acit;"],
  ["&alpha", "&alpha"],
  ["&bogus; &; &#;", "&bogus; &; &#;"],
  ["&#x80;", "\u20ac"],
  ["&#128", "\u20ac"],
  ["&#x81;", "\u0081"],
  ["&#13;", "\r"],
  ["&#0;", "\ufffd"],
  ["&#xD800;", "\ufffd"],
  ["&#1114112;", "\ufffd"],
  ["&#38;amp;", "&amp;"],
] as const;

describe("a character reference", () => {
  it.each(UNESCAPED)("the text %j means what html.unescape says: %j", (text, unescaped) => {
    expect(unescapeHtml(text)).toBe(unescaped);
  });

  it.each(["&#1;", "&#11;", "&#x7f;", "&#xFDD0;", "&#x1FFFF;"])(
    "the reference %s is dropped as html.unescape drops it, though HTML5 keeps it",
    (reference) => {
      expect(unescapeHtml(`a${reference}b`)).toBe("ab");
    },
  );

  it("a reference in markup means what BeautifulSoup says", () => {
    const said = [
      ["&alpha b", "\u03b1 b"],
      ["&copy 1", "\u00a9 1"],
      ["&notit; y", "&notit y"],
      ["&bogus; &alpha; x", "&bogus \u03b1 x"],
      ["&#38;amp;", "&amp;"],
      ["&#1;x", "\u0001x"],
      ["&#0; x", "\ufffd x"],
    ];
    expect(said.map(([markup]) => [markup, textOfHtml(markup!)])).toEqual(said);
  });
});

test("ftfy reads whole references, lower-case names also in capitals, and nothing else", () => {
  const said = [
    ["&NTILDE;", "Ñ"],
    ["&ALPHA;", "Α"],
    ["&FRAC12;", "½"],
    ["&GTDOT;", "&GTDOT;"],
    ["&notit;", "&notit;"],
    ["&#59;", "&#59;"],
  ];
  expect(said.map(([text]) => [text, repairedText(text!)])).toEqual(said);
});
