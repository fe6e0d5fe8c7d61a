import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CheckpointError } from "../../../lib/generation/checkpoint/index.ts";
import { openTokenizer } from "../../../lib/generation/pipeline/text/tokenizer.ts";

/** Golden ids of the SentencePiece library (tools/golden/sentencepiece_model.py). */
const golden = join(import.meta.dirname, "../../golden/tokenizer");
const cases: { prompt: string; ids: number[] }[] = JSON.parse(
  await readFile(join(golden, "spiece.json"), "utf8"),
);
const file = await readFile(join(golden, "spiece.model"));

/** Models with one option of the format each, and the ids that the library gives all prompts. */
interface Options {
  readonly prompts: readonly string[];
  readonly models: readonly { readonly title: string; readonly model: string; readonly ids: number[][] }[];
}
const options: Options = JSON.parse(await readFile(join(golden, "spiece-options.json"), "utf8"));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-spiece-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a tokenizer of spiece.model alone", () => {
  it("a spiece.model alone gives the ids that SentencePiece gives", async () => {
    await copyFile(join(golden, "spiece.model"), join(folder, "spiece.model"));
    const tokenizer = await openTokenizer(folder, {});
    const given = cases.map(({ prompt }) => ({ prompt, ids: tokenizer.tokenise(prompt, 512).ids }));
    expect(given).toEqual(cases);
  });

  it.each(options.models.map(({ title, ...model }) => [title, model] as const))(
    "a model gives the ids that SentencePiece gives: one %s",
    async (_, { model, ids }) => {
      await writeFile(join(folder, "spiece.model"), Buffer.from(model, "base64"));
      const tokenizer = await openTokenizer(folder, {});
      const given = options.prompts.map((prompt) => ({ prompt, ids: tokenizer.tokenise(prompt, 512).ids }));
      expect(given).toEqual(options.prompts.map((prompt, index) => ({ prompt, ids: ids[index] })));
    },
  );

  it("a word is known if it is one piece, whatever stands in front of it", async () => {
    await writeFile(join(folder, "spiece.model"), file);
    const tokenizer = await openTokenizer(folder, {});
    expect(["background", "circle", "\u96ea"].map((word) => tokenizer.knows(word))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("a prompt never ends or pads itself, whatever special tokens it spells", async () => {
    const fragment = fc.oneof(
      fc.constantFrom("</s>", "<pad>", "<unk>", "<ctl>", "<0x01>", "\uff1c/s\uff1e", " ", "\ud800", "a"),
      fc.string({ unit: "binary", maxLength: 4 }),
    );
    for (const { model } of options.models) {
      await writeFile(join(folder, "spiece.model"), Buffer.from(model, "base64"));
      const tokenizer = await openTokenizer(folder, {});
      fc.assert(
        fc.property(fc.array(fragment), (fragments) => {
          const { ids } = tokenizer.tokenise(fragments.join(""), 10_000);
          expect(ids.indexOf(1)).toBe(ids.length - 1);
          expect(ids).not.toContain(0);
        }),
        { numRuns: 30 },
      );
    }
  });

  it("an end token that the file gives as a symbol of its users matches no text", async () => {
    const piece = (text: string, type: number) =>
      Buffer.from([0x0a, text.length + 4, 0x0a, text.length, ...Buffer.from(text), 0x18, type]);
    const pieces = [piece("<unk>", 2), piece("</s>", 4), piece("a", 1)];
    await writeFile(join(folder, "spiece.model"), Buffer.concat(pieces));
    const tokenizer = await openTokenizer(folder, {});
    expect(tokenizer.tokenise("a</s>a", 9).ids).toEqual([0, 2, 0, 2, 1]);
  });

  it("a model of another kind is named", async () => {
    await writeFile(join(folder, "spiece.model"), Buffer.from([0x12, 0x02, 0x18, 0x02]));
    await expect(openTokenizer(folder, {})).rejects.toThrow(
      /spiece\.model: it cannot be read as a SentencePiece model: it is a BPE model, and only Unigram is read$/,
    );
  });

  it.each([
    ["that is cut in the middle", file.subarray(0, 1000)],
    ["of text alone", Buffer.from("This is no model.")],
    ["without contents", Buffer.alloc(0)],
    ["without a piece for unknown characters", Buffer.from([0x12, 0x00])],
    ["whose rules are damaged", Buffer.from([0x0a, 0x02, 0x18, 0x02, 0x1a, 0x06, 0x12, 0x04, 9, 0, 0, 0])],
    ["that promises more bytes than there are", Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])],
  ])("a file is refused as spiece.model: one %s", async (_title, bytes) => {
    await writeFile(join(folder, "spiece.model"), bytes);
    const opened = openTokenizer(folder, {});
    await expect(opened).rejects.toThrow(CheckpointError);
    await expect(opened).rejects.toThrow(/spiece\.model: it/);
  });

  it("a missing spiece.model is reported as a missing tokenizer.json", async () => {
    await rm(join(folder, "spiece.model"));
    await expect(openTokenizer(folder, {})).rejects.toThrow(/tokenizer\.json: no such file or folder$/);
  });
});
