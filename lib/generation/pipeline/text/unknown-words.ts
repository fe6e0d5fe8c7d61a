import type { Recipe } from "../../models/index.ts";
import type { ResolvedRequest } from "../../request/index.ts";
import type { PromptTokenizer } from "./tokenizer.ts";

/** Parts of a model that say which words it knows. */
export interface Vocabulary {
  readonly recipe: Pick<Recipe, "vocabulary">;
  readonly tokenizer: Pick<PromptTokenizer, "knows">;
}

/**
 * Returns the words of the prompt and the negative prompt that a model has not learnt, in their order and as the user
 * wrote them. A word that occurs again is told once, also if its capitals differ. Returns none for a model that may
 * understand any word.
 */
export function unknownWords(
  { recipe, tokenizer }: Vocabulary,
  { prompt, negativePrompt }: Pick<ResolvedRequest, "prompt" | "negativePrompt">,
): string[] {
  if (recipe.vocabulary !== "words") return [];
  const seen = new Set<string>();
  return [...wordsOf(prompt), ...wordsOf(negativePrompt ?? "")].filter((word) => {
    const key = word.toLowerCase();
    if (seen.has(key)) return false;
    seen.add(key);
    return !tokenizer.knows(word);
  });
}

const space = /[\s\p{Cc}]+/u;
/** Punctuation and invisible characters at either end of a word. */
const edges = /^[\p{P}\p{C}\p{M}]+|[\p{P}\p{C}]+$/gu;

/** Returns the words of a text without the punctuation around them. Punctuation alone is no word. */
function wordsOf(text: string): string[] {
  return text
    .toWellFormed()
    .split(space)
    .map((word) => word.replaceAll(edges, ""))
    .filter((word) => word !== "");
}
