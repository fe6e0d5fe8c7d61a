import { captionOf, type Recipe, withSuffix } from "../../models/index.ts";
import { RequestError, type ResolvedRequest } from "../../request/index.ts";
import type { PromptTokenizer } from "./tokenizer.ts";

/** Texts that the text encoder reads, rewritten as the captions of the training data were. */
export interface ReadTexts {
  readonly prompt: string;
  /** Null if the request has no negative prompt. */
  readonly negativePrompt: string | null;
}

/** Parts of a model that decide what it reads of a text. */
export interface Reader {
  readonly recipe: Pick<Recipe, "caption" | "prompt_suffix" | "vocabulary">;
  readonly tokenizer: Pick<PromptTokenizer, "unknownCharacters">;
}

type Asked = Pick<ResolvedRequest, "prompt" | "negativePrompt">;

/** Characters that can mean something: letters, numbers and symbols such as emoji. */
const MEANING = /[\p{L}\p{N}\p{S}]/u;
/** Most characters that a sentence names. */
const NAMED_MAX = 8;

/**
 * Returns the texts that a model reads for a request.
 *
 * @throws RequestError if nothing of the prompt is left, or the text encoder knows none of its characters
 */
export function readTexts({ recipe, tokenizer }: Reader, { prompt, negativePrompt }: Asked): ReadTexts {
  const { caption, prompt_suffix } = recipe;
  const alone = captionOf(prompt, caption);
  if (alone === "" || (MEANING.test(prompt) && !MEANING.test(alone))) {
    throw new RequestError(
      `Nothing of the prompt is left: this model reads captions without ${removedFrom(prompt)}, and the prompt has ` +
        "nothing else. Describe the video in English words.",
      { field: "prompt" },
    );
  }
  const meaningful = [...alone].filter((character) => MEANING.test(character));
  const unknown = recipe.vocabulary === "words" ? [] : tokenizer.unknownCharacters(alone);
  if (meaningful.length > 0 && meaningful.every((character) => unknown.includes(character))) {
    throw new RequestError(
      `The model's text encoder knows none of the characters of the prompt, so the video would have nothing to do ` +
        "with it. Describe the video in English words.",
      { field: "prompt" },
    );
  }
  return {
    prompt: captionOf(withSuffix(prompt, prompt_suffix), caption),
    negativePrompt: negativePrompt === null ? null : captionOf(negativePrompt, caption),
  };
}

/** Returns what of the texts of a request a model did not read, one sentence each. */
export function unreadNotes({ recipe, tokenizer }: Reader, { prompt, negativePrompt }: Asked): string[] {
  const notes: string[] = [];
  const texts = { prompt, "negative prompt": negativePrompt ?? "" };
  for (const [name, text] of Object.entries(texts)) {
    const left = captionOf(text, recipe.caption);
    if (text.trim() !== "" && left === "") {
      notes.push(
        `Nothing of the ${name} was left, because this model reads captions without ${removedFrom(text)}: an empty ` +
          "one was used.",
      );
    }
    const unknown = recipe.vocabulary === "words" ? [] : tokenizer.unknownCharacters(left);
    if (unknown.length > 0)
      notes.push(`The text encoder does not know these characters of the ${name}: ${named(unknown)}.`);
  }
  return notes;
}

/** Returns the texts that a model read in place of those of the request; null for each that it read as it is. */
export function replacedTexts(
  read: ReadTexts,
  asked: Asked,
): { readonly [Name in keyof ReadTexts]: string | null } {
  return {
    prompt: read.prompt === asked.prompt ? null : read.prompt,
    negativePrompt: read.negativePrompt === asked.negativePrompt ? null : read.negativePrompt,
  };
}

/** Names what the cleaning of captions removes, as far as a text shows it. */
function removedFrom(text: string): string {
  return /[\u31c0-\u9fff]/.test(text)
    ? "Chinese characters"
    : "addresses, user names, file names, markup and punctuation around them";
}

function named(characters: readonly string[]): string {
  const more = characters.length > NAMED_MAX ? ` and ${characters.length - NAMED_MAX} more` : "";
  return `${characters.slice(0, NAMED_MAX).join(" ")}${more}`;
}
