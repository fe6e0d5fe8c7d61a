import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { findModel, modelFolders } from "../../../lib/generation/pipeline/index.ts";
import { RequestError } from "../../../lib/generation/request/index.ts";

const demo = fileURLToPath(new URL("../../../models/demo", import.meta.url));
let here: string;

beforeEach(async () => {
  here = await mkdtemp(join(tmpdir(), "adareel-find-"));
  for (const model of ["own", "models/added", "models/wan2.1-1.3b"]) {
    await mkdir(join(here, model), { recursive: true });
    await writeFile(join(here, model, "model_index.json"), "{}");
  }
  await mkdir(join(here, "models/begun"));
  return () => rm(here, { recursive: true });
});

describe("a model that is there", () => {
  it.each([
    ["own", "own"],
    ["models/added", "models/added"],
    ["added", "models/added"],
    ["./models/added/", "models/added"],
    ["wan2.1-1.3b", "models/wan2.1-1.3b"],
    ["Wan-AI/Wan2.1-T2V-1.3B-Diffusers", "models/wan2.1-1.3b"],
  ])("the text %j means the folder %s", (text, folder) => {
    expect(findModel(text, here)).toBe(join(here, folder));
  });

  it("a name means a model of the program where the user's folder has none", () => {
    expect(findModel("demo", here)).toBe(demo);
    expect(findModel(demo, here)).toBe(demo);
  });
});

it("the models with a name are those of the user's folder and of the program, each name once", async () => {
  expect(modelFolders(here)).toEqual(
    expect.arrayContaining([demo, join(here, "models/added"), join(here, "models/wan2.1-1.3b")]),
  );
  await mkdir(join(here, "models/demo"));
  await writeFile(join(here, "models/demo/model_index.json"), "{}");
  expect(modelFolders(here)).toContain(join(here, "models/demo"));
  expect(modelFolders(here)).not.toContain(demo);
});

describe("a model that is not there", () => {
  const there = "this machine has added, demo and wan2.1-1.3b";
  const add = (name: string, gigabytes: number) =>
    `This downloads it, about ${gigabytes} GB: npm run models -- add ${name}`;

  it.each([
    ["latte-1", `The model latte-1 is not on ${there.replace(" has", ", which has")}. ${add("latte-1", 24)}`],
    ["maxin-cn/Latte-1", /^The model latte-1 is not on this machine.* models -- add latte-1$/],
    ["late-1", `There is no model "late-1": did you mean latte-1? ${add("latte-1", 24)}`],
    ["opensora", `There is no model "opensora": did you mean open-sora-1.2? ${add("open-sora-1.2", 16)}`],
    ["dem", `There is no model "dem": did you mean demo?`],
    ["wan", `There is no model "wan": did you mean wan2.1-1.3b?`],
    ["addad", `There is no model "addad": did you mean added?`],
    [
      "cogvideo",
      /^There is no model "cogvideo": this machine has added, demo and .* downloads latte-1, open-sora-1/,
    ],
    ["", /^There is no model "": this machine has /],
    ["./none", `There is no folder none; ${there}.`],
    ["/none/at/all", `There is no folder /none/at/all; ${there}.`],
    ["models/begun", `The folder models/begun is no model, as it has no model_index.json; ${there}.`],
  ])("the text %j is answered with what there is and what to do", (text, sentence) => {
    expect(() => findModel(text, here)).toThrow(RequestError);
    expect(() => findModel(text, here)).toThrow(sentence);
  });
});
