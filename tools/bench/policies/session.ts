import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { RequestError } from "../../../lib/generation/request/index.ts";
import { writeFileAtomically } from "../../../lib/generation/video/index.ts";
import type { Circumstances } from "../machine.ts";
import { say } from "../rounds.ts";
import { calibrateRivals } from "./calibrate.ts";
import type { Calibration } from "./calibration.ts";
import { type Bench, openBench } from "./measure.ts";
import { type MeasurementPlan, missingParts, missingTasks, plannedMethods, resultsToGoOn } from "./plan.ts";
import { methodKey, type PolicyResults, type PolicyRun } from "./results.ts";
import { startWorkers, type Workers } from "./workers.ts";

export interface Session {
  readonly plan: MeasurementPlan;
  /** Model folder. */
  readonly folder: string;
  readonly circumstances: Circumstances;
  /** Results of earlier commands; null if there are none. */
  readonly earlier: PolicyResults | null;
  /** File that is written after every prompt. */
  readonly file: string;
}

/**
 * Measures a plan, and returns all results: its own, and the earlier ones that it goes on from.
 *
 * @throws UsageError if it cannot go on from the earlier ones, or an error of the model
 */
export async function measureSession({
  plan: asked,
  folder,
  circumstances,
  earlier,
  file,
}: Session): Promise<PolicyResults> {
  resultsToGoOn(asked, nothingMeasured(asked, circumstances), earlier); // fails before the model is opened
  const bench = await openBench(folder, asked);
  const plan = { ...asked, refused: await refusedMethods(bench, asked) };
  const results = resultsToGoOn(plan, nothingMeasured(plan, circumstances), earlier);
  const workers = startWorkers(bench, folder, plan);
  const [begun, before] = [performance.now(), results.minutes];
  const save = async () => {
    results.minutes = before + (performance.now() - begun) / 60_000;
    await mkdir(dirname(file), { recursive: true });
    await writeFileAtomically(file, new TextEncoder().encode(serialised(results)));
  };
  try {
    for (const steps of plan.stepCounts) {
      const calibration = await calibrated(bench, plan, results, steps);
      await save();
      await measureSteps({ plan, results, workers, calibration, save });
    }
    return results;
  } finally {
    workers.close();
    await bench.close();
  }
}

/** Returns the keys of the product's own forms that the model refuses, each of which is tried once. */
async function refusedMethods(bench: Bench, plan: MeasurementPlan): Promise<string[]> {
  const refused: string[] = [];
  for (const steps of plan.stepCounts) {
    const own = plannedMethods(plan, steps).filter(({ role }) => role === "ours");
    for (const method of own) {
      try {
        await bench.run(method, plan.calibrationPrompts[0]!, {
          steps,
          magnitudeRatios: [],
          changes: [],
          damage: [],
        });
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        say(`${methodKey(method)} at ${steps} steps is left out: ${error.message}`);
        refused.push(methodKey(method));
      }
    }
  }
  return refused;
}

function nothingMeasured(plan: MeasurementPlan, circumstances: Circumstances): PolicyResults {
  return {
    kind: "policies",
    circumstances: [circumstances],
    minutes: 0,
    threads: plan.threads,
    clock: plan.clock,
    prompts: [...plan.prompts],
    calibrationPrompts: [...plan.calibrationPrompts],
    calibrations: [],
    methods: [],
    runs: [],
  };
}

/** Returns the calibration of the results for a number of steps, after measuring what it lacks. */
async function calibrated(
  bench: Bench,
  plan: MeasurementPlan,
  results: PolicyResults,
  steps: number,
): Promise<Calibration> {
  const known = results.calibrations.find((one) => one.steps === steps);
  const needs = missingParts(plan, steps, known);
  const measured = await calibrateRivals(bench, plan.calibrationPrompts, steps, { needs, say });
  const kept = known ? Object.entries(known).filter(([part]) => !needs.has(part as never)) : [];
  const calibration: Calibration = { ...measured, ...Object.fromEntries(kept) };
  results.calibrations = [...results.calibrations.filter((one) => one !== known), calibration];
  return calibration;
}

async function measureSteps({
  plan,
  results,
  workers,
  calibration,
  save,
}: {
  plan: MeasurementPlan;
  results: PolicyResults;
  workers: Workers;
  calibration: Calibration;
  save: () => Promise<void>;
}): Promise<void> {
  const tasks = missingTasks(plan, results, calibration);
  const begun = performance.now();
  let done = 0;
  await workers.measure(tasks, async ({ prompt }, runs) => {
    results.runs.push(...newRuns(results, runs));
    await save();
    done += 1;
    const left = ((performance.now() - begun) / 60_000 / done) * (tasks.length - done);
    say(`${calibration.steps} steps, ${done}/${tasks.length} ${prompt.text} (${left.toFixed(1)} min left)`);
  });
}

/** Returns runs that the results lack: a resumed prompt repeats its reference. */
function newRuns(results: PolicyResults, runs: readonly PolicyRun[]): PolicyRun[] {
  const keyOf = (run: PolicyRun) => `${run.prompt} ${run.steps} ${methodKey(run)}`;
  const known = new Set(results.runs.map(keyOf));
  return runs.filter((run) => !known.has(keyOf(run)));
}

/** Writes results as JSON with a line for each run, so that a file of thousands of runs can be read and compared. */
function serialised({ runs, ...results }: PolicyResults): string {
  const lines = runs.map((run) => JSON.stringify(run)).join(",\n");
  return `${JSON.stringify(results).slice(0, -1)},"runs":[\n${lines}\n]}\n`;
}
