import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Recipe } from "../../../lib/generation/models/index.ts";
import { readTexts, replacedTexts, unreadNotes } from "../../../lib/generation/pipeline/text/read-texts.ts";
import { openTokenizer, type PromptTokenizer } from "../../../lib/generation/pipeline/text/tokenizer.ts";
import { RequestError } from "../../../lib/generation/request/index.ts";

const folder = join(import.meta.dirname, "../../../models/demo/tokenizer");
let tokenizer: PromptTokenizer;
beforeAll(async () => {
  tokenizer = await openTokenizer(folder, { eos_token: "</s>" });
});

type Style = Pick<Recipe, "caption" | "prompt_suffix" | "vocabulary">;
const clean: Style = { caption: "clean", prompt_suffix: "", vocabulary: "open" };
const scored: Style = { ...clean, prompt_suffix: " aesthetic score: 6.5." };
const verbatim: Style = { ...clean, caption: "verbatim" };

const read = (prompt: string, recipe = clean, negativePrompt: string | null = null) =>
  readTexts({ recipe, tokenizer }, { prompt, negativePrompt });
const notes = (prompt: string, recipe = clean, negativePrompt: string | null = null) =>
  unreadNotes({ recipe, tokenizer }, { prompt, negativePrompt });

describe("a prompt of which nothing is left", () => {
  it.each(["红色", "一只狗在海滩上奔跑", "一只狗，在海滩上。"])(
    "the prompt %s, of Chinese characters, is refused where cleaning removes them",
    (prompt) => {
      const refused = () => read(prompt, scored);
      expect(refused).toThrow(RequestError);
      expect(refused).toThrow(
        "Nothing of the prompt is left: this model reads captions without Chinese characters, and the prompt has " +
          "nothing else. Describe the video in English words.",
      );
    },
  );

  it.each(["https://example.com", "@somebody", "video.mp4", "<br>", "...", "free shipping"])(
    "the prompt %s is refused with what cleaning removes",
    (prompt) => {
      expect(() => read(prompt)).toThrow(/^Nothing of the prompt is left: .* without addresses, user names/);
    },
  );

  it("a prompt whose characters the text encoder cannot spell is refused", () => {
    expect(() => read("ᏩᏙ", verbatim)).toThrow(
      "The model's text encoder knows none of the characters of the prompt, so the video would have nothing to do " +
        "with it. Describe the video in English words.",
    );
  });

  it("a prompt without letters is read as it is where nothing is removed", () => {
    expect(read("...", verbatim).prompt).toBe("...");
  });
});

describe("what a model reads of a prompt", () => {
  it("a text that the model read otherwise is told, and a text that it read as it is not", () => {
    const asked = { prompt: "A  Dog 红色", negativePrompt: "blurred" };
    expect(replacedTexts(read(asked.prompt, clean, asked.negativePrompt), asked)).toEqual({
      prompt: "a dog",
      negativePrompt: null,
    });
    expect(read("a dog", scored).prompt).toBe("a dog aesthetic score: 6.5.");
    expect(replacedTexts(read("a dog"), { prompt: "a dog", negativePrompt: null })).toEqual({
      prompt: null,
      negativePrompt: null,
    });
  });

  it("a negative prompt that becomes empty is told", () => {
    expect(notes("a dog", clean, "模糊")).toEqual([
      "Nothing of the negative prompt was left, because this model reads captions without Chinese characters: an " +
        "empty one was used.",
    ]);
    expect(notes("a dog", clean, "")).toEqual([]);
    expect(notes("a dog", clean, "blurred")).toEqual([]);
  });

  it("characters that the text encoder does not know are named", () => {
    expect(notes("a dog Ꮹ and Ꮹ", verbatim, "Ꮩ")).toEqual([
      "The text encoder does not know these characters of the prompt: Ꮹ.",
      "The text encoder does not know these characters of the negative prompt: Ꮩ.",
    ]);
    expect(notes("a dog Ꮹ", { ...verbatim, vocabulary: "words" })).toEqual([]);
  });
});
