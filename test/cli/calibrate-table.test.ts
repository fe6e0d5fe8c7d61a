import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { calibrate } from "../../functions/cli/calibrate.ts";
import type { CalibrateOptions } from "../../functions/cli/calibrate-options.ts";
import { calibrateTable } from "../../functions/cli/calibrate-table.ts";
import { readTableFile } from "../../lib/generation/caching/index.ts";
import { openModelFolder } from "../../lib/generation/checkpoint/index.ts";
import { openParts } from "../../lib/generation/pipeline/model/parts.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { runGenerate } from "./run-generate.ts";
import { startCommand } from "./start-command.ts";

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-calibrate-table-"));
  model = await writeTinyModel();
  const prompts = ["a red circle", { prompt: "a square", seed: 9 }];
  await writeFile(join(folder, "prompts.json"), JSON.stringify(prompts));
});
afterAll(async () => {
  for (const path of [folder, model]) await rm(path, { recursive: true });
});

it("a calibration with --table writes a table into the model's folder, by which promises in dB are kept", async () => {
  const { code, stdout, stderr } = await startCommand(
    "models",
    ["calibrate", model, "--table", "--steps", "12,10", "--prompts", "prompts.json"],
    { folder },
  ).ended;
  expect([code, stdout]).toEqual([0, ""]);
  expect(stderr).toMatch(/^measuring how steps resemble each other, 0 %\n/);
  expect(stderr).toMatch(/\nmeasuring what budgets come to, \d+ %, \d+ min left\n/);
  const [wrote, ...costs] = stderr.slice(stderr.indexOf("Wrote ")).trimEnd().split("\n");
  expect(wrote).toBe(
    "Wrote cache-table.json. Measured with 2 prompts, a promise is kept for 66 % of videos like these; " +
      "19 prompts can promise it for 95 %.",
  );
  expect(costs.pop()).toMatch(
    /^Wrote preview\.json too, for previews\. Fitted to 512 positions of 2 videos, its previews are off by \d/,
  );
  expect(costs.map((line) => line.split(", ").slice(0, 2).join(", "))).toEqual([
    expect.stringMatching(/^Of 10 steps, at_least 30 dB (computes \d+\.\d|cannot be promised)$/),
    expect.stringMatching(/^Of 12 steps, at_least 30 dB (computes \d+\.\d|cannot be promised)$/),
  ]);

  const read = readTableFile(JSON.parse(await readFile(join(model, "cache-table.json"), "utf8")));
  if (!read.ok) throw new Error(read.fault.sentence);
  const { table, measured, madeFor } = read.value;
  expect(madeFor).toMatchObject({ precision: "float32", guidanceScale: 4, width: 16, height: 16, frames: 4 });
  expect(measured.prompts).toEqual([
    { prompt: "a red circle", seed: 0 },
    { prompt: "a square", seed: 9 },
  ]);
  expect(measured.steps).toEqual([10, 12]);
  expect(measured.command).toMatch(
    /^npm run models -- calibrate adareel-tiny-model-\w+ --table --steps 12,10 --prompts prompts\.json$/,
  );
  expect(table.levels).toHaveLength(12);
  expect(table.ladders.map(({ steps }) => steps)).toEqual([10, 12]);
  const { errorTable } = await openParts(await openModelFolder(model), {});
  expect(errorTable).toEqual({ table });

  const least = table.ladders[1]!.rungs[0]!.psnr[0]!;
  const asked = ["--steps", "12", "--cache", `at_least:${Math.floor(least)}dB`, "--out", "x.mp4"];
  const made = await runGenerate(["a red circle", "--model", model, ...asked], folder);
  expect(made.stdout).toMatch(/of 12 steps computed/);
}, 180_000);

it("a table that is measured in int8 says so, and is refused where the model runs in float32", async () => {
  const copy = join(folder, "int8-model");
  await cp(model, copy, { recursive: true });
  const words = ["--table", "--steps", "10", "--prompts", "prompts.json", "--precision", "int8"];
  const { code } = await startCommand("models", ["calibrate", copy, ...words], { folder }).ended;
  expect(code).toBe(0);
  const { madeFor, measured } = JSON.parse(await readFile(join(copy, "cache-table.json"), "utf8"));
  expect(madeFor).toMatchObject({ precision: "int8" });
  expect(measured.command).toContain("--table --precision int8");

  const ask = (...precision: string[]) =>
    runGenerate(
      ["a red circle", "--model", copy, "--steps", "10", "--cache", "at_least:1", ...precision],
      folder,
    );
  expect((await ask("--precision", "int8")).stdout).toMatch(/of 10 steps computed/);
  expect((await ask()).stderr).toMatch(
    /A promise in dB needs a table .* was measured in int8, and the model runs in float32/,
  );
}, 180_000);

describe("a calibration with --table is refused in one sentence", () => {
  it.each<[string, CalibrateOptions, string]>([
    ["with an aim of codebooks", { speedup: "2" }, "--speedup is for codebooks: leave it out with --table."],
    [
      "with the other aim of codebooks",
      { error: "0.1" },
      "--error is for codebooks: leave it out with --table.",
    ],
    [
      "with steps that are no numbers",
      { steps: "20,many" },
      '--steps takes 1 to 16 whole numbers such as 20,30,50 with --table, not "20,many".',
    ],
    [
      "with no steps between commas",
      { steps: "20,,30" },
      '--steps takes 1 to 16 whole numbers such as 20,30,50 with --table, not "20,,30".',
    ],
    [
      "with too few steps",
      { steps: "2,30" },
      "A table needs at least 4 steps, not 2: with so few, nothing is saved.",
    ],
    ["with too many steps", { steps: "30,2000" }, "steps is a whole number from 1 to 1000, not 2000."],
    [
      "with prompts that are none",
      { prompts: "nothing.json" },
      "nothing.json must be a JSON list of 1 to 512 prompts, or of objects with prompt and seed.",
    ],
  ])("a calibration with --table, %s, is refused before anything runs", async (_title, options, sentence) => {
    const said: string[] = [];
    const display = { show: () => {}, say: (text: string) => void said.push(text), clear: () => {} };
    const command = { place: (path: string) => join(folder, path), display, env: {}, print: () => {} };
    await expect(calibrateTable(model, options, command)).rejects.toThrow(sentence);
    expect(said).toEqual([]);
  });

  it("several numbers of steps without --table are refused, because a codebook is for one", async () => {
    const command = { place: String, env: {}, print: () => {}, display: undefined as never };
    await expect(calibrate(model, { steps: "20,30" }, command)).rejects.toThrow(
      '--steps takes a number above 0, not "20,30".',
    );
  });
});
