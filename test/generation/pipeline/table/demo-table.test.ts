import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { DEMO_TABLE_PROMPTS } from "../../../../functions/cli/calibration-prompts.ts";
import { readTableFile, TABLE_FILE } from "../../../../lib/generation/caching/index.ts";
import { openModelFolder } from "../../../../lib/generation/checkpoint/index.ts";
import { openParts } from "../../../../lib/generation/pipeline/model/parts.ts";

const demo = join(import.meta.dirname, "../../../../models/demo");

it("the demo model's table fits the model as it is", async () => {
  const { errorTable } = await openParts(await openModelFolder(demo), {});
  expect(errorTable).toMatchObject({ table: { ladders: expect.any(Array) } });
});

it("the demo model's table was measured with its default prompts, and has every number of steps that it names", async () => {
  const read = readTableFile(JSON.parse(await readFile(join(demo, TABLE_FILE), "utf8")));
  if (!read.ok) throw new Error(read.fault.sentence);
  const { measured, table } = read.value;
  expect(measured.prompts).toEqual(DEMO_TABLE_PROMPTS);
  expect(table.ladders.map(({ steps }) => steps)).toEqual(measured.steps);
  for (const { rungs } of table.ladders)
    for (const { psnr } of rungs) expect(psnr).toHaveLength(measured.prompts.length);
});
