import { cleanCaption, tidyCaption } from "../../text/index.ts";
import type { Recipe } from "../model/families.ts";

const rewritten: Readonly<Record<Recipe["caption"], (prompt: string) => string>> = {
  verbatim: (prompt) => prompt,
  lowercase: (prompt) => prompt.toLowerCase().trim(),
  tidy: tidyCaption,
  clean: cleanCaption,
};

/** A prompt as the tokenizer is to have it. */
export function captionOf(prompt: string, style: Recipe["caption"]): string {
  return rewritten[style](prompt);
}

/**
 * A prompt and what follows it, such as ` aesthetic score: 6.5.`; a prompt that names a score of that kind keeps
 * its own.
 *
 * @see Open-Sora v1.2.0 `append_score_to_prompts`
 */
export function withSuffix(prompt: string, suffix: string): string {
  const kind = suffix.slice(0, suffix.indexOf(":") + 1).trim();
  return kind !== "" && prompt.includes(kind) ? prompt : prompt + suffix;
}
