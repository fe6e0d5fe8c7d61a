import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { openTokenizer } from "../../../lib/generation/pipeline/text/tokenizer.ts";
import { unknownWords, type Vocabulary } from "../../../lib/generation/pipeline/text/unknown-words.ts";
import { benchmarkPrompts, FULL_ROUND } from "../../../tools/bench/scenes.ts";

const demo = join(import.meta.dirname, "../../../models/demo");
const readJson = (path: string) => JSON.parse(readFileSync(join(demo, path), "utf8"));
/** Words of the demo model's captions: all pieces of its tokenizer that begin a word and have letters. */
const known: readonly string[] = readJson("tokenizer/tokenizer.json")
  .model.vocab.map(([piece]: [string]) => piece)
  .filter((piece: string) => /^▁\p{L}+$/u.test(piece))
  .map((piece: string) => piece.slice(1));

let model: Vocabulary;

beforeAll(async () => {
  const tokenizer = await openTokenizer(join(demo, "tokenizer"), { eos_token: "</s>" });
  model = { recipe: readJson("model_index.json").video, tokenizer };
});

const unknownOf = (prompt: string, negativePrompt: string | null = null) =>
  unknownWords(model, { prompt, negativePrompt });

const word = fc.constantFrom(...known);
/** Ways to write a word that leave it the same to the tokenizer. */
const written = fc.constantFrom<(text: string) => string>(
  (text) => text,
  (text) => text.toUpperCase(),
  (text) => text.charAt(0).toUpperCase() + text.slice(1),
  (text) => [...text].map((letter) => String.fromCodePoint(letter.codePointAt(0)! + 0xfee0)).join(""),
);
const after = fc.constantFrom("", ",", ".", "...", "!", "?", ")", "”", ":");
const stranger = fc.stringMatching(/^[a-z0-9]{1,12}$/).filter((text) => !known.includes(text));

describe("the words of a prompt", () => {
  it("the vocabulary of the demo model has the words of the benchmark's prompts", () => {
    expect(known).toEqual(expect.arrayContaining(["circle", "red", "checkerboard"]));
    expect(benchmarkPrompts(FULL_ROUND).flatMap(({ text }) => unknownOf(text))).toEqual([]);
  });

  it("words of the vocabulary are never reported, whatever their capitals, width, spaces and punctuation", () => {
    const space = fc.constantFrom(" ", "  ", "\n", "\t", "\u00a0", " – ");
    const part = fc.tuple(word, written, after, space);
    fc.assert(
      fc.property(fc.array(part), fc.array(part), (prompt, negative) => {
        const [text, other] = [prompt, negative].map((parts) =>
          parts.map(([text, write, mark, gap]) => write(text) + mark + gap).join(""),
        );
        expect(unknownOf(text!, other!)).toEqual([]);
      }),
    );
  });

  it("other words are reported once, in the order of prompt and negative prompt, as they were written", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(stranger, word, after)), fc.nat(5), (parts, cut) => {
        const texts = parts.map(([text, before, mark]) => `${before} ${text}${mark}`);
        const reported = unknownOf(texts.slice(0, cut).join(" "), texts.slice(cut).join(" "));
        expect(reported).toEqual([...new Set(parts.map(([text]) => text))]);
      }),
    );
  });

  it.each([
    ["a dog on a beach", ["dog", "beach"]],
    ["“Dog”, (dog) DOG!", ["Dog"]],
    ["a red-circle over blue,green", ["red-circle", "blue,green"]],
    ["a ball's x", ["ball's", "x"]],
    ["a ❤️ moves 👩‍🚀 + up", ["❤️", "👩‍🚀", "+"]],
    ["</s> a <pad> circle", ["</s>", "<pad>"]],
    ["un chien à gauche 犬", ["un", "chien", "à", "gauche", "犬"]],
    ["a red circle … , - — “” \u200b", []],
    ["half a \ud83d circle", ["half", "\ufffd"]],
  ])("the prompt %j has the unknown words %j", (prompt, words) => {
    expect(unknownOf(prompt)).toEqual(words);
  });

  it("the words of a prompt that is longer than the model reads are reported to its end", () => {
    expect(unknownOf(`${"a red circle ".repeat(10_000)} dog`)).toEqual(["dog"]);
  });

  it("a word of a million letters is one unknown word", () => {
    expect(unknownOf("a".repeat(1_000_000))).toHaveLength(1);
  });

  it("a model with an open vocabulary has no unknown words", () => {
    const open: Vocabulary = { ...model, recipe: { vocabulary: "open" } };
    expect(unknownWords(open, { prompt: "a dog", negativePrompt: "a beach" })).toEqual([]);
  });
});
