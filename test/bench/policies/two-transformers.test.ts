import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { calibrateRivals } from "../../../tools/bench/policies/calibrate.ts";
import { type Bench, openBench } from "../../../tools/bench/policies/measure.ts";
import { policyMethods } from "../../../tools/bench/policies/methods.ts";
import type { PolicyPrompt } from "../../../tools/bench/policies/prompts.ts";
import type { RivalRun } from "../../../tools/bench/policies/rival.ts";
import { writeJson } from "../../generation/pipeline/tiny-model.ts";

/** A tiny Wan whose second transformer takes over after some of the steps, as in Wan 2.2 A14B. */
const pipelines = join(import.meta.dirname, "../../golden/pipelines");
const golden = join(pipelines, "wan-two-transformers");
const readJson = async (path: string) => JSON.parse(await readFile(path, "utf8"));

const STEPS = 12;
const prompt: PolicyPrompt = { text: "a red circle", seed: 3, motion: null };

let folder: string;
let bench: Bench;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-policies-two-"));
  const { boundaryRatio, scheduler } = await readJson(join(golden, "cases.json"));
  await cp(join(pipelines, "wan"), folder, { recursive: true });
  await cp(join(golden, "transformer_2"), join(folder, "transformer_2"), { recursive: true });
  await cp(join(import.meta.dirname, "../../../models/demo/tokenizer"), join(folder, "tokenizer"), {
    recursive: true,
  });
  await writeJson(join(folder, "scheduler/scheduler_config.json"), scheduler);
  const index = await readJson(join(folder, "model_index.json"));
  await writeJson(join(folder, "model_index.json"), {
    ...index,
    transformer_2: ["diffusers", "WanTransformer3DModel"],
    boundary_ratio: boundaryRatio,
  });
  bench = await openBench(folder, { threads: 1, clock: "wall" });
});
afterAll(async () => {
  await bench.close();
  await rm(folder, { recursive: true });
});

it("a rival starts anew with the second transformer, whose step numbers go on", async () => {
  const starts: number[][] = [];
  const uncached = await bench.reference(prompt, STEPS);
  const run = { kind: "rival", start: () => recorder(starts) } as const;
  const method = { ...policyMethods(STEPS)[0]!, run };
  const driven = await bench.run(method, prompt, {
    steps: STEPS,
    magnitudeRatios: [],
    changes: [],
    damage: [],
  });
  expect(driven.frames).toEqual(uncached.frames);
  expect(starts).toHaveLength(2);
  expect(starts.flat()).toEqual(Array.from({ length: STEPS }, (_, index) => index));
});

it("every rival runs on two transformers, after a calibration that reuses nothing across them", async () => {
  const needs = new Set(["magnitudeRatios", "changes", "damage"] as const);
  const calibration = await calibrateRivals(bench, [prompt], STEPS, { needs, say: () => undefined });
  const second = calibration.damage.findIndex((row, step) => step > 0 && row.length === 0);
  expect(second).toBeGreaterThan(0);
  expect(calibration.damage[second + 1]).toHaveLength(1);
  for (const method of policyMethods(STEPS).filter(({ role }) => role !== "ours")) {
    const { computed, frames } = await bench.run(method, prompt, calibration);
    expect.soft(computed, method.group).toBeLessThanOrEqual(STEPS);
    expect.soft(frames.count, method.group).toBeGreaterThan(0);
  }
});

/** Computes every step, and notes its number in a list of its own. */
function recorder(starts: number[][]): RivalRun {
  const steps: number[] = [];
  starts.push(steps);
  return {
    async step({ index, graphs }) {
      steps.push(index);
      return (await graphs.full()).prediction;
    },
  };
}
