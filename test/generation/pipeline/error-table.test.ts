import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TABLE_FILE, type TableFile } from "../../../lib/generation/caching/index.ts";
import { openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import { openParts, type PipelineOptions } from "../../../lib/generation/pipeline/model/parts.ts";
import { expectSentence } from "../../api/sentence.ts";
import { sampleTableFile } from "../caching/table-file-content.ts";
import { writeJson, writeTinyModel } from "./tiny-model.ts";

let parent: string;
let intact: string;
let fitting: TableFile;
let copies = 0;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "adareel-table-"));
  intact = await writeTinyModel();
  const sample = sampleTableFile();
  const { madeFor } = await openParts(await openModelFolder(intact), {});
  fitting = { ...sample, madeFor: { ...sample.madeFor, ...(await madeFor()) } };
});
afterAll(async () => {
  for (const folder of [intact, parent]) await rm(folder, { recursive: true });
});

/** Opens a copy of the model with a table file, after `change`. */
async function foundIn(
  contents: unknown,
  change: (folder: string) => Promise<unknown> = async () => {},
  options: PipelineOptions = {},
) {
  const folder = join(parent, `model-${copies++}`);
  await cp(intact, folder, { recursive: true });
  if (contents !== undefined)
    await writeFile(
      join(folder, TABLE_FILE),
      typeof contents === "string" ? contents : JSON.stringify(contents),
    );
  await change(folder);
  const { errorTable } = await openParts(await openModelFolder(folder), options);
  return { errorTable, folder };
}

async function refusalOf(...given: Parameters<typeof foundIn>): Promise<string> {
  const { errorTable, folder } = await foundIn(...given);
  const refused = errorTable && "refused" in errorTable ? errorTable.refused : "nothing is refused";
  return refused.replaceAll(folder, "<model>").replace(/model-\d+/, "NAME");
}

it("a model without a table file has no table", async () => {
  expect((await foundIn(undefined)).errorTable).toBeNull();
});

it("a table that was made for a model is found when the model opens", async () => {
  expect((await foundIn(fitting)).errorTable).toEqual({ table: fitting.table });
});

it("a table still fits when the model says other limits, and after the scheduler was written by another version", async () => {
  const { errorTable } = await foundIn(fitting, async (folder) => {
    const index = JSON.parse(await readFile(join(folder, "model_index.json"), "utf8"));
    await writeJson(join(folder, "model_index.json"), { ...index, video: { ...index.video, steps: 9 } });
    const path = join(folder, "scheduler/scheduler_config.json");
    const config = JSON.parse(await readFile(path, "utf8"));
    await writeJson(path, { ...config, _diffusers_version: "0.40.0" });
  });
  expect(errorTable).toEqual({ table: fitting.table });
});

describe("a table that does not fit", () => {
  const advice = ": measure this one with npm run models -- calibrate NAME --table";
  const damaged = async (folder: string) => {
    const path = join(folder, "transformer/model.safetensors");
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill(60, 8 + Number(bytes.readBigUInt64LE(0))));
  };
  it.each<[string, Parameters<typeof foundIn>, string]>([
    ["is of other weights", [undefined, damaged], "was measured with other weights"],
    [
      "is of another precision",
      [undefined, async () => {}, { precision: "float16" }],
      "was measured in float32, and the model runs in float16",
    ],
    [
      "is of float32, for a model in int8",
      [undefined, async () => {}, { precision: "int8" }],
      "was measured in float32, and the model runs in int8",
    ],
    [
      "is of another configuration of the sampler",
      [
        undefined,
        (folder) => writeJson(join(folder, "scheduler/scheduler_config.json"), { transform_scale: 3 }),
      ],
      "was measured with another configuration of RFlowScheduler",
    ],
    [
      "is of another sampler",
      [
        undefined,
        async (folder) => {
          const index = JSON.parse(await readFile(join(folder, "model_index.json"), "utf8"));
          const scheduler = ["diffusers", "FlowMatchEulerDiscreteScheduler"];
          await writeJson(join(folder, "model_index.json"), { ...index, scheduler });
        },
      ],
      "was measured with RFlowScheduler, and the model samples with FlowMatchEulerDiscreteScheduler",
    ],
  ])(
    "a table that %s is refused with its cause and a command",
    async (_title, [, change, options], cause) => {
      const sentence = await refusalOf(fitting, change, options);
      const precision = options?.precision ? ` --precision ${options.precision}` : "";
      expect(sentence).toBe(`<model>/cache-table.json ${cause}${advice}${precision}.`);
      expectSentence(sentence.replace("<model>", "model"));
    },
  );
});

it("a table that was measured in int8 is found in int8, and refused in float32", async () => {
  const inInt8 = { ...fitting, madeFor: { ...fitting.madeFor, precision: "int8" } };
  const { errorTable } = await foundIn(inInt8, undefined, { precision: "int8" });
  expect(errorTable).toEqual({ table: fitting.table });
  expect(await refusalOf(inInt8)).toBe(
    "<model>/cache-table.json was measured in int8, and the model runs in float32: " +
      "measure this one with npm run models -- calibrate NAME --table.",
  );
});

describe("a table file that is hostile", () => {
  it.each<[string, () => unknown, RegExp]>([
    ["is no JSON", () => "{", /^<model>\/cache-table\.json: the JSON .*\.$/],
    [
      "is nested",
      () => "[".repeat(10_000),
      /^<model>\/cache-table\.json: the JSON is nested deeper than 8 levels\.$/,
    ],
    [
      "holds NaN",
      () => '{"version": NaN}',
      /^<model>\/cache-table\.json: the JSON has no valid value at character 12\.$/,
    ],
    ["is huge", () => " ".repeat(2 ** 23), /^<model>\/cache-table\.json: 8388608 bytes are more than .*\.$/],
    [
      "has many values",
      () => `[${"1,".repeat(600_000)}1]`,
      /^<model>\/cache-table\.json: the JSON has more than 500000 values\.$/,
    ],
    ["is a list", () => [], /^<model>\/cache-table\.json: the JSON is not an object\.$/],
    ["has a prototype", () => '{"__proto__": {"kind": "cache table"}}', /^<model>\/cache-table\.json: .*\.$/],
    [
      "has no ascending rungs",
      () => ({
        ...fitting,
        table: { ...fitting.table, ladders: fitting.table.ladders.toReversed() },
      }),
      /^<model>\/cache-table\.json: table\.ladders entry 2: steps must be above the 30 of the entry/,
    ],
  ])(
    "a table file that %s is refused, and the model opens all the same",
    async (_title, contents, sentence) => {
      expect(await refusalOf(contents())).toMatch(sentence);
    },
  );

  it("a folder in place of a table file is refused, and the model opens all the same", async () => {
    const sentence = await refusalOf(undefined, (folder) =>
      cp(join(folder, "scheduler"), join(folder, TABLE_FILE), { recursive: true }),
    );
    expect(sentence).toBe("<model>/cache-table.json: not a regular file.");
  });
});
