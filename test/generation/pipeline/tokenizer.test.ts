import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openTokenizer, type PromptTokenizer } from "../../../lib/generation/pipeline/text/tokenizer.ts";

/** Golden token ids of the Rust library, which takes every character as text; see tools/golden/tokenizer.py. */
interface GoldenPrompt {
  readonly prompt: string;
  readonly ids: readonly number[];
}

const folder = join(import.meta.dirname, "../../../models/demo/tokenizer");
const prompts = join(import.meta.dirname, "../../golden/tokenizer/prompts.json");
const config = { eos_token: "</s>" };
const PAD = 0;
const END = 1;
const vocabularySize: number = JSON.parse(readFileSync(join(folder, "tokenizer.json"), "utf8")).model.vocab
  .length;
const noLimit = 10_000;

let tokenizer: PromptTokenizer;
let golden: GoldenPrompt[];

beforeAll(async () => {
  tokenizer = await openTokenizer(folder, config);
  golden = JSON.parse(await readFile(prompts, "utf8"));
});

describe("a prompt", () => {
  it("golden prompts have the ids of the reference library", () => {
    expect(golden.length).toBeGreaterThan(200);
    const ours = golden.map(({ prompt }) => ({ prompt, ids: tokenizer.tokenise(prompt, noLimit).ids }));
    expect(ours).toEqual(golden);
  });

  it("a prompt longer than the limit keeps its beginning and the end token, and is reported as cut", () => {
    for (const { prompt, ids } of golden) {
      for (const limit of [1, 2, 32]) {
        const truncated = tokenizer.tokenise(prompt, limit);
        const isTruncated = ids.length > limit;
        expect(truncated).toEqual({
          ids: isTruncated ? [...ids.slice(0, limit - 1), END] : ids,
          isTruncated,
        });
      }
    }
  });

  it("a prompt of a million characters is cut as well, whatever they are", () => {
    for (const text of ["a", "a ", "~", "🔴", "\ufdfa"]) {
      const { ids, isTruncated } = tokenizer.tokenise(text.repeat(1_000_000), 32);
      expect(isTruncated).toBe(true);
      expect(ids.length).toBeLessThanOrEqual(32);
      expect(ids.at(-1)).toBe(END);
    }
  });

  it("a prompt never ends or pads itself, whatever special tokens it spells", () => {
    const fragment = fc.oneof(
      fc.constantFrom(
        "</s>",
        "<pad>",
        "<unk>",
        "<s>",
        "＜/s＞",
        "<",
        ">",
        "/s",
        " ",
        "a",
        "circle",
        "\ud800",
      ),
      fc.string({ unit: "binary", maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(fragment), (fragments) => {
        const { ids } = tokenizer.tokenise(fragments.join(""), noLimit);
        expect(ids.indexOf(END)).toBe(ids.length - 1);
        expect(ids).not.toContain(PAD);
      }),
    );
  });

  it("a prompt of any characters gives ids of the vocabulary, at most the limit, and the end token", () => {
    // UTF-16 units: lone surrogates are among them.
    const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
    const prompt = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "binary" }),
      fc.string({ unit }),
    );
    fc.assert(
      fc.property(prompt, fc.integer({ min: 1, max: 40 }), (text, limit) => {
        const { ids, isTruncated } = tokenizer.tokenise(text, limit);
        expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < vocabularySize)).toBe(true);
        expect(ids.length).toBeLessThanOrEqual(limit);
        expect(ids.at(-1)).toBe(END);
        expect(isTruncated).toBe(tokenizer.tokenise(text, noLimit).ids.length > limit);
      }),
    );
  });

  it("a prompt with half a surrogate pair has the ids of one with a replacement character", () => {
    for (const half of ["\ud83d", "\ude00", "a\ud83d", "\ude00 circle", "\ud800<pad>"]) {
      expect(tokenizer.tokenise(half, 32)).toEqual(tokenizer.tokenise(half.toWellFormed(), 32));
    }
  });
});

const stored = async () => JSON.parse(await readFile(join(folder, "tokenizer.json"), "utf8"));

async function open(contents: string | null, eosToken: unknown = "</s>"): Promise<PromptTokenizer> {
  const changed = await mkdtemp(join(tmpdir(), "adareel-tokenizer-"));
  onTestFinished(() => rm(changed, { recursive: true }));
  if (contents !== null) await writeFile(join(changed, "tokenizer.json"), contents);
  return openTokenizer(changed, { eos_token: eosToken });
}

describe("special tokens in a prompt", () => {
  /** Lists of added tokens that differ in what they say of the end token. Each replaces the whole list of the file. */
  const lists = {
    "lists no token as added": [],
    "says that none is special": ["<pad>", "</s>", "<unk>"].map((content, id) => ({
      id,
      content,
      special: false,
    })),
    "gives the end token's id to a word": [{ id: END, content: "circle", special: false }],
  };

  it.each(Object.entries(lists))(
    "a special token in a prompt is plain text even where the tokenizer's file %s",
    async (_, added_tokens) => {
      const changed = await open(JSON.stringify({ ...(await stored()), added_tokens }));
      expect(golden.some(({ prompt }) => prompt.includes("</s>"))).toBe(true);
      const ours = golden.map(({ prompt }) => ({ prompt, ids: changed.tokenise(prompt, noLimit).ids }));
      expect(ours).toEqual(golden);
    },
  );
});

describe("a tokenizer that cannot be used", () => {
  it("a missing tokenizer file is named in one sentence", async () => {
    await expect(open(null)).rejects.toThrow(/tokenizer\.json: no such file or folder$/);
  });

  it("a tokenizer file that is not JSON is named in one sentence", async () => {
    await expect(open("{")).rejects.toThrow(/tokenizer\.json: the JSON lacks " at character 1$/);
  });

  it("a tokenizer of another kind is named in one sentence", async () => {
    const { model, ...rest } = await stored();
    const bpe = { ...model, type: "BPE", vocab: { a: 0 }, merges: [] };
    await expect(open(JSON.stringify({ ...rest, model: bpe }))).rejects.toThrow(
      /tokenizer\.json: it is not a Unigram tokenizer \(see model\.type\)$/,
    );
  });

  it("a vocabulary without the end token is refused in one sentence", async () => {
    const text = JSON.stringify(await stored());
    await expect(open(text, "<end>")).rejects.toThrow(
      /tokenizer\.json: its vocabulary lacks the end token <end>$/,
    );
  });

  it("a normaliser that the library does not know is refused in one sentence", async () => {
    const text = JSON.stringify({ ...(await stored()), normalizer: { type: "Rot13" } });
    await expect(open(text)).rejects.toThrow(/tokenizer\.json: .*Rot13/);
  });

  it("an unknown token outside of the vocabulary is refused in one sentence", async () => {
    const tokenizerJson = await stored();
    tokenizerJson.model.unk_id = vocabularySize;
    await expect(open(JSON.stringify(tokenizerJson))).rejects.toThrow(/tokenizer\.json: .*unknown token/);
  });
});
