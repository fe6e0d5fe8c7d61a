import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CheckpointError } from "../../../lib/generation/checkpoint/index.ts";
import { describeModel, openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { tinyIndex, writeJson, writeTinyModel } from "./tiny-model.ts";

const demo = join(import.meta.dirname, "../../../models/demo");

/** Folder that holds a `model_index.json` and nothing else. */
let folder: string;
const index = () => join(folder, "model_index.json");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-described-model-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("a description has name and limits even where the parts are missing", async () => {
  await writeJson(index(), tinyIndex);
  expect(await describeModel(folder)).toEqual({
    name: basename(folder),
    limits: { ...tinyIndex.video, has_cache_table: false },
  });
  expect((await describeModel(`${folder}/`)).name).toBe(basename(folder));
});

it("a description tells whether there is a table of errors, whatever the index says", async () => {
  await writeJson(index(), { ...tinyIndex, video: { ...tinyIndex.video, has_cache_table: true } });
  expect((await describeModel(folder)).limits.has_cache_table).toBe(false);
  await writeJson(join(folder, "cache-table.json"), {});
  expect((await describeModel(folder)).limits.has_cache_table).toBe(true);
  await rm(join(folder, "cache-table.json"));
});

it("a description equals that of the opened model", async () => {
  const whole = await writeTinyModel();
  const pipeline = await openPipeline(whole, { threads: 1 });
  expect(await describeModel(whole)).toEqual({ name: pipeline.model, limits: pipeline.limits });
  await pipeline.close();
  await rm(whole, { recursive: true });
});

it("the demo model can be described", async () => {
  expect(await describeModel(demo)).toMatchObject({ name: "demo", limits: { steps: 30, sizes: [[64, 64]] } });
});

it.each([
  [
    "without a video",
    { ...tinyIndex, video: undefined },
    /names the pipeline OpenSoraPipeline with parts of no published model: it must say under video what/,
  ],
  [
    "with a size beyond what is written",
    { ...tinyIndex, video: { ...tinyIndex.video, sizes: [[16_384, 16]] } },
    /does not say what the model can make: video\.sizes entry 1 entry 1 is/,
  ],
  ["that is a list", [], /model_index\.json: the JSON is not an object$/],
])("an index %s is refused", async (_title, json, sentence) => {
  await writeJson(index(), json);
  const described = describeModel(folder);
  await expect(described).rejects.toThrow(CheckpointError);
  await expect(described).rejects.toThrow(sentence);
});

it("a missing index is named", async () => {
  await rm(index());
  await expect(describeModel(folder)).rejects.toThrow(/model_index\.json: no such file or folder$/);
});
