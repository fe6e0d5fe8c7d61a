import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Checkpoint, CheckpointError, openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import { safetensors, temporaryFolder } from "./safetensors-file.ts";

const folder = temporaryFolder();
const CHARACTERS_MAX = 500;

/** Texts of any length with which a file may try to fill a log: some are longer than any name that is meant. */
const text = fc
  .tuple(fc.string({ maxLength: 4 }), fc.constantFrom(0, 1, 200, 256, 20_000))
  .map(([piece, times]) => piece.repeat(times) + piece);

/** Expects an attempt to succeed, or to be refused in a sentence that a terminal and a record can take. */
async function expectShort(attempt: () => Promise<unknown>): Promise<void> {
  try {
    await attempt();
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
    const { message } = error as Error;
    expect(message.length - folder.length).toBeLessThan(CHARACTERS_MAX);
    expect(message).not.toContain("\n");
  }
}

test("no error about a safetensors file is long, whatever its names and values are", async () => {
  const path = join(folder, "model.safetensors");
  const value = fc.oneof(
    text,
    fc.constant([0, 4]),
    fc.constant("F32"),
    fc.constant([1]),
    fc.constant({ a: [1] }),
  );
  const tensor = fc.oneof(
    value,
    fc.record({ dtype: value, shape: value, data_offsets: value }),
    fc.constant({ dtype: "F32", shape: [1], data_offsets: [0, 4] }),
  );
  const header = fc.oneof(
    fc.dictionary(text, tensor, { maxKeys: 3 }).map((entries) => JSON.stringify(entries)),
    // The same name twice, which no object can have.
    text.map((name) => `{${JSON.stringify(name)}:1,${JSON.stringify(name)}:1}`),
  );
  await fc.assert(
    fc.asyncProperty(header, text, async (head, wanted) => {
      writeFileSync(path, safetensors(head, new Uint8Array(4)));
      await expectShort(async () => {
        const checkpoint = await Checkpoint.open(path);
        checkpoint.checkAllUsed();
        checkpoint.tensor(checkpoint.names()[0] ?? wanted, [2]);
      });
    }),
    { numRuns: 300 },
  );
});

test("no error about an index of shards is long, whatever names it gives", async () => {
  const path = join(folder, "model.safetensors.index.json");
  writeFileSync(join(folder, "a.safetensors"), safetensors("{}"));
  await fc.assert(
    fc.asyncProperty(fc.dictionary(text, fc.oneof(text, fc.constant("a.safetensors"))), async (weightMap) => {
      writeFileSync(path, JSON.stringify({ weight_map: weightMap }));
      await expectShort(() => Checkpoint.open(path));
    }),
    { numRuns: 100 },
  );
});

test("no error about a model's index is long, whatever names it gives", async () => {
  const model = join(folder, "model");
  mkdirSync(model);
  await fc.assert(
    fc.asyncProperty(fc.dictionary(text, fc.tuple(text, text)), text, async (parts, part) => {
      writeFileSync(join(model, "model_index.json"), JSON.stringify(parts));
      await expectShort(async () => (await openModelFolder(model)).part(part));
    }),
    { numRuns: 100 },
  );
});
