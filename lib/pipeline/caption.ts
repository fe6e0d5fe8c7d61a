import type { Recipe } from "./families.ts";

/** A prompt as the tokenizer is to have it. */
export function captionOf(prompt: string, style: Recipe["caption"]): string {
  if (style === "verbatim") return prompt;
  if (style === "lowercase" || style === "clean") return prompt.toLowerCase().trim();
  return prompt.replaceAll(/\s+/g, " ").trim();
}
