import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CheckpointError } from "../../../lib/generation/checkpoint/index.ts";
import { openTokenizer } from "../../../lib/generation/pipeline/text/tokenizer.ts";

/** Golden ids of the SentencePiece library (tools/golden/sentencepiece_model.py). */
const golden = join(import.meta.dirname, "../../golden/tokenizer");
const cases: { prompt: string; ids: number[] }[] = JSON.parse(
  await readFile(join(golden, "spiece.json"), "utf8"),
);
const file = await readFile(join(golden, "spiece.model"));

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

  it.each([
    ["cut in the middle", file.subarray(0, 1000)],
    ["of text", Buffer.from("This is no model.")],
    ["empty", Buffer.alloc(0)],
    ["of the other kind, BPE", Buffer.from([0x12, 0x02, 0x18, 0x02])],
    ["that promises more bytes than there are", Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])],
  ])("a spiece.model is refused where the file is %s", async (_title, bytes) => {
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
