import type { Recipe } from "./families.ts";

/** A prompt as the tokenizer is to have it. */
export function captionOf(prompt: string, style: Recipe["caption"]): string {
  if (style === "verbatim") return prompt;
  if (style === "lowercase" || style === "clean") return prompt.toLowerCase().trim();
  return prompt.replaceAll(/\s+/g, " ").trim();
}

/**
 * A prompt and what follows it, such as ` aesthetic score: 6.5.`; a prompt that names a score of that kind keeps its own.
 *
 * @see Open-Sora v1.2.0 `append_score_to_prompts`
 */
export function withSuffix(prompt: string, suffix: string): string {
  const kind = suffix.slice(0, suffix.indexOf(":") + 1).trim();
  return kind !== "" && prompt.includes(kind) ? prompt : prompt + suffix;
}
