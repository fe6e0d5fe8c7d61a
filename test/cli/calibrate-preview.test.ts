import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PREVIEW_FILE, readPreviewFile } from "../../lib/generation/preview/index.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { startCommand } from "./start-command.ts";

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-calibrate-preview-"));
  model = await writeTinyModel();
  await writeFile(join(folder, "prompts.json"), JSON.stringify(["a red circle", "a square"]));
});
afterAll(async () => {
  for (const path of [folder, model]) await rm(path, { recursive: true });
});

const calibrate = (...args: string[]) =>
  startCommand("models", ["calibrate", model, "--prompts", "prompts.json", ...args], { folder }).ended;

async function readMap() {
  const read = readPreviewFile(JSON.parse(await readFile(join(model, PREVIEW_FILE), "utf8")));
  if (!read.ok) throw new Error(read.fault.sentence);
  return read.value;
}

it("a calibration with --preview writes a map into the model's folder, which a check of the model tells of", async () => {
  const checked = () => startCommand("models", ["check", model], { folder }).ended;
  expect((await checked()).stdout).toMatch(
    /^previews: the first video of each process has none, without the map that npm run models -- calibrate /m,
  );
  const { code, stdout, stderr } = await calibrate("--preview", "--steps", "4");
  expect([code, stdout]).toEqual([0, ""]);
  expect(stderr).toMatch(
    /^making video 1 of 2\nmaking video 2 of 2\nWrote preview\.json\. Fitted to 512 positions/,
  );
  expect(stderr).toMatch(
    / of 2 videos, its previews are off by \d+\.\d of 255 \(RMS\), and explain -?\d+\.\d % of the variance\.\n$/,
  );
  const { measured, madeFor, map } = await readMap();
  expect(measured).toMatchObject({ videos: 2, positions: 512 });
  expect(measured.command).toMatch(
    /^npm run models -- calibrate adareel-tiny-model-\w+ --preview --steps 4 --prompts prompts\.json$/,
  );
  expect(madeFor.model).toMatch(/^adareel-tiny-model-/);
  expect(map).toMatchObject({ channels: 4, pixels: 1 });
  expect((await checked()).stdout).toMatch(/^previews: off by \d+\.\d of 255 \(RMS\)/m);
}, 60_000);

it("a calibration of a codebook leaves a map that fits as it is, and replaces one that does not", async () => {
  const path = join(model, PREVIEW_FILE);
  const before = await readFile(path, "utf8");
  expect((await calibrate("--steps", "8", "--speedup", "1.3")).stderr).not.toContain(PREVIEW_FILE);
  expect(await readFile(path, "utf8")).toBe(before);
  await writeFile(path, before.replace(/"autoencoder": "\w{4}/, '"autoencoder": "0000'));
  expect((await calibrate("--steps", "8", "--speedup", "1.3")).stderr).toMatch(
    /\nWrote preview\.json too, for previews\. Fitted to 512 positions of 2 videos/,
  );
  expect((await readMap()).madeFor).toEqual(JSON.parse(before).madeFor);
}, 60_000);

it("a map that is written elsewhere leaves the model's folder as it is", async () => {
  const copy = join(folder, "copy");
  await cp(model, copy, { recursive: true });
  const { code } = await calibrate("--preview", "--steps", "4", "--out", "map.json");
  expect(code).toBe(0);
  expect(await readFile(join(folder, "map.json"), "utf8")).toContain('"preview map"');
  expect(await readFile(join(model, PREVIEW_FILE), "utf8")).toBe(
    await readFile(join(copy, PREVIEW_FILE), "utf8"),
  );
}, 60_000);

describe("is refused in one sentence", () => {
  it.each([
    ["with --table", ["--table"], /^Give --table or --preview: each measures something else\.\n$/],
    [
      "with the aim of a codebook",
      ["--speedup", "2"],
      /^--speedup is for codebooks: leave it out with --preview\.\n$/,
    ],
    [
      "with steps that are no number",
      ["--steps", "few"],
      /^steps must be a whole number from 1 to 1000\.\n$/,
    ],
    [
      "with more steps than there can be",
      ["--steps", "2000"],
      /^steps is a whole number from 1 to 1000, not 2000\.\n$/,
    ],
  ])("a calibration of previews %s is refused", async (_, args, sentence) => {
    const { code, stdout, stderr } = await calibrate("--preview", ...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(sentence);
  });
});
