import { describe, expect, it } from "vitest";
import { captionOf, withSuffix } from "../../../../lib/generation/models/captions/style.ts";

describe("the caption that a model is given", () => {
  const prompt = " A Cat — see https://example.com &amp; “smile”  ";

  it("a caption is rewritten as its family was trained", () => {
    expect(captionOf(prompt, "verbatim")).toBe(prompt);
    expect(captionOf(prompt, "lowercase")).toBe("a cat — see https://example.com &amp; “smile”");
    expect(captionOf(prompt, "tidy")).toBe('A Cat — see https://example.com & "smile"');
    expect(captionOf(prompt, "clean")).toBe('a cat - see "smile"');
  });

  it("Open-Sora's score survives the cleaning, and a score in the prompt replaces it", () => {
    const scored = (text: string) => captionOf(withSuffix(text, " aesthetic score: 6.5."), "clean");
    expect(scored("A cat.")).toBe("a cat. aesthetic score: 6.5.");
    expect(scored("A cat, aesthetic score: 7.")).toBe("a cat, aesthetic score: 7.");
  });
});
