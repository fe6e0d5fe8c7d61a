import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import * as z from "zod";
import { cut } from "../../../shared/sentences/index.ts";
import { CheckpointError, type Config, type JsonFileLimits, readJsonFile } from "../../checkpoint/index.ts";
import { readSentencePiece, type TokenVocabulary } from "./sentencepiece.ts";

/** Token ids of a prompt, with the end token last. */
export interface TokenisedPrompt {
  readonly ids: readonly number[];
  /** True if the prompt was longer than the limit and was cut. */
  readonly isTruncated: boolean;
}

export interface PromptTokenizer {
  /**
   * Returns the ids of a prompt, at most `limit` of them including the end token. Every character is text: a prompt
   * that spells a special token (`</s>`) is tokenised like any other and cannot end itself early.
   */
  tokenise(prompt: string, limit: number): TokenisedPrompt;
  /** Returns true if a word, which has no spaces, is one piece of the vocabulary. */
  knows(word: string): boolean;
  /** Returns the characters of a text that the vocabulary cannot spell, each once. */
  unknownCharacters(text: string): string[];
}

const tokenizerSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.number(), content: z.string(), special: z.boolean() })),
  model: z.looseObject({
    type: z.literal("Unigram"),
    vocab: z.array(z.tuple([z.string(), z.number()])),
    unk_id: z.int().nonnegative(),
  }),
});

type TokenizerFile = z.infer<typeof tokenizerSchema>;

/** Half of a surrogate pair, which no well-formed text contains. */
const UNREACHABLE = "\uD800";

/** Limits of tokenizer.json. The 256,000 pieces of UMT5 are three values each, in 17 MB. */
const fileLimits: JsonFileLimits = { bytesMax: 64 * 2 ** 20, depthMax: 16, valuesMax: 4_000_000 };

/**
 * UTF-16 units of a prompt that are tokenised, several times as many as the longest text encoders read. The tokenizer
 * holds every token of a text on the stack at once.
 */
const CHARACTERS_MAX = 4096;

/**
 * Opens the Unigram tokenizer of a T5 model from its `tokenizer.json`, or from the `spiece.model` that older folders
 * have instead.
 *
 * @throws CheckpointError if the file is missing or holds another kind of tokenizer
 */
export async function openTokenizer(folder: string, config: Config): Promise<PromptTokenizer> {
  const pieces = join(folder, "spiece.model");
  const hasPieces = !existsSync(join(folder, "tokenizer.json")) && existsSync(pieces);
  const path = hasPieces ? pieces : join(folder, "tokenizer.json");
  const endToken = stringOr(config.eos_token, "</s>");
  const reserved = [endToken, stringOr(config.pad_token, "<pad>")];
  const vocabulary = hasPieces
    ? await readPieces(path, reserved)
    : openTokenizerFile(path, await readJsonFile(path, fileLimits), reserved);
  const end = vocabulary.pieces.indexOf(endToken);
  if (end < 0) throw new CheckpointError(path, `its vocabulary lacks the end token ${cut(endToken)}`);
  const idsOf = (text: string) => vocabulary.idsOf(text.slice(0, CHARACTERS_MAX).toWellFormed());
  return {
    tokenise(prompt, limit) {
      const ids = idsOf(prompt);
      const isTruncated = ids.length > limit - 1 || prompt.length > CHARACTERS_MAX;
      return { ids: [...ids.slice(0, limit - 1), end], isTruncated };
    },
    knows(word) {
      const ids = idsOf(word);
      return ids.length === 1 && ids[0] !== vocabulary.unknownId;
    },
    unknownCharacters(text) {
      const isUnknown = (part: string) => idsOf(part).includes(vocabulary.unknownId);
      return isUnknown(text) ? [...new Set(text)].filter(isUnknown) : [];
    },
  };
}

async function readPieces(path: string, reserved: readonly string[]): Promise<TokenVocabulary> {
  try {
    const { size } = await stat(path);
    if (size > fileLimits.bytesMax) throw new RangeError("it is too large");
    return readSentencePiece(await readFile(path), reserved);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new CheckpointError(path, `it cannot be read as a SentencePiece model: ${why}`, { cause });
  }
}

/** Opens a `tokenizer.json`, in which no text matches a special token. */
function openTokenizerFile(path: string, contents: object, reserved: readonly string[]): TokenVocabulary {
  const file = parseTokenizer(path, contents);
  const { vocab, unk_id } = file.model;
  const unknown = vocab[unk_id];
  if (!unknown) throw new CheckpointError(path, "its unknown token is not in its vocabulary");
  const tokenizer = construct(path, withoutSpecialTokens(file, [...reserved, unknown[0]]));
  return {
    pieces: vocab.map(([piece]) => piece),
    unknownId: unk_id,
    idsOf: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
  };
}

function parseTokenizer(path: string, file: object): TokenizerFile {
  const parsed = tokenizerSchema.safeParse(file);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join(".");
  throw new CheckpointError(path, `it is not a Unigram tokenizer (see ${where})`);
}

function stringOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}

function construct(path: string, file: object): Tokenizer {
  try {
    return new Tokenizer(file, {});
  } catch (cause) {
    throw new CheckpointError(path, `it has a part that is not known (${(cause as Error).message})`, {
      cause,
    });
  }
}

/**
 * Changes a tokenizer so that no text matches a special token, neither as a whole nor as a piece of the vocabulary.
 * Tokens in `reserved` are special even if the file says otherwise.
 */
function withoutSpecialTokens(file: TokenizerFile, reserved: readonly string[]) {
  const { added_tokens, model } = file;
  const marked = added_tokens.filter((token) => token.special).map((token) => token.content);
  const special = new Set([...reserved, ...marked]);
  const isSpecialId = (id: number) => special.has(model.vocab[id]?.[0] ?? "");
  return {
    ...file,
    added_tokens: added_tokens.filter(({ id, content }) => !special.has(content) && !isSpecialId(id)),
    post_processor: null,
    model: {
      ...model,
      vocab: model.vocab.map(([piece, score]) => [special.has(piece) ? UNREACHABLE + piece : piece, score]),
    },
  };
}
