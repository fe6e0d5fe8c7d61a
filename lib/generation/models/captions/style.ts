import { cleanCaption, tidyCaption } from "./caption.ts";

const styles = {
  verbatim: (prompt: string) => prompt,
  lowercase: (prompt: string) => prompt.toLowerCase().trim(),
  /** Repairs characters and spaces; keeps upper case. */
  tidy: tidyCaption,
  /** Applies the routine of DeepFloyd-IF twice. */
  clean: cleanCaption,
} as const;

/** Rewriting of a prompt before it is tokenised, as the captions of the training data were rewritten. */
export type CaptionStyle = keyof typeof styles;

export const captionStyles = Object.keys(styles) as [CaptionStyle, ...CaptionStyle[]];

/** Rewrites a prompt for the tokenizer. */
export function captionOf(prompt: string, style: CaptionStyle): string {
  return styles[style](prompt);
}

/**
 * Appends a suffix such as ` aesthetic score: 6.5.` to a prompt. A prompt that names a score of that kind keeps its
 * own.
 *
 * @see Open-Sora v1.2.0 `append_score_to_prompts`
 */
export function withSuffix(prompt: string, suffix: string): string {
  const kind = suffix.slice(0, suffix.indexOf(":") + 1).trim();
  return kind !== "" && prompt.includes(kind) ? prompt : prompt + suffix;
}
