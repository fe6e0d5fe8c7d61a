import type { Generation } from "../../lib/generation/pipeline/index.ts";

/** Most words that the line names, and most characters of each. */
const NAMED_MAX = 8;
const CHARACTERS_MAX = 40;

/**
 * Returns the line of the report that names the words which the model has not learnt; no line if there is none.
 *
 * @param model  name of the model
 */
export function unknownWordsLines(
  model: string,
  { unknownWords }: Pick<Generation, "unknownWords">,
): string[] {
  if (unknownWords.length === 0) return [];
  const named = unknownWords.slice(0, NAMED_MAX).map(shortened).join(", ");
  const others = unknownWords.length - NAMED_MAX;
  const told = others > 0 ? `${named} and ${others} more` : named;
  return [
    `The ${model} model does not know the ${unknownWords.length === 1 ? "word" : "words"} ${told}: ` +
      "README.md in its folder says what it understands.",
  ];
}

function shortened(word: string): string {
  const characters = [...word];
  return characters.length > CHARACTERS_MAX ? `${characters.slice(0, CHARACTERS_MAX).join("")}…` : word;
}
