import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { runGenerate } from "./run-generate.ts";
import { startCommand } from "./start-command.ts";

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-calibrate-"));
  model = await writeTinyModel();
  await writeFile(
    join(folder, "prompts.json"),
    JSON.stringify(["a red circle", { prompt: "a square", seed: 9 }]),
  );
});
afterAll(async () => {
  for (const path of [folder, model]) await rm(path, { recursive: true });
});

const calibrate = (...args: string[]) =>
  startCommand("models", ["calibrate", model, ...args], { folder }).ended;

it("a calibration writes a codebook with its origin, which generate takes", async () => {
  const args = ["--steps", "8", "--speedup", "1.3", "--prompts", "prompts.json", "--out", "book.json"];
  const { code, stdout, stderr } = await calibrate(...args);
  expect([code, stdout]).toEqual([0, ""]);
  expect(stderr).toMatch(
    /^measuring prompt 1 of 2\nmeasuring prompt 2 of 2\nExpect \d\.\d\d steps for each computed/,
  );
  const { name, origin } = JSON.parse(await readFile(join(folder, "book.json"), "utf8"));
  expect(name).toMatch(/, 8 steps$/);
  expect(origin).toMatch(/^models calibrate, 2 prompts of 8 steps: \d\.\d\d steps for each computed one/);
  const asked = ["a red circle", "--model", model, "--steps", "8", "--cache", "book.json", "--out", "x.mp4"];
  expect((await runGenerate(asked, folder)).stdout).toMatch(/of 8 steps computed/);
});

describe("is refused in one sentence", () => {
  it.each([
    [
      "with two aims",
      ["--speedup", "2", "--error", "0.1"],
      /^Give a target with --speedup or with --error, not with both\.\n$/,
    ],
    [
      "with an aim that is no number",
      ["--speedup", "fast"],
      /^--speedup takes a number above 0, not "fast"\.\n$/,
    ],
    [
      "with prompts that are none",
      ["--prompts", "book.json"],
      /^book\.json must be a JSON list of 1 to 64 prompts, or of objects with prompt and seed\.\n$/,
    ],
    [
      "with more steps than there can be",
      ["--steps", "2000"],
      /^steps is a whole number from 1 to 1000, not 2000\.\n$/,
    ],
    [
      "for what no codebook reaches",
      ["--steps", "6", "--prompts", "prompts.json", "--speedup", "6"],
      /No codebook for 6 steps .* with adareel-tiny-model-\w+: give a lower --speedup or a higher --error\.\n$/,
    ],
  ])("a calibration %s is refused in one sentence", async (_title, args, sentence) => {
    const { code, stderr } = await calibrate(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(sentence);
  });
});
