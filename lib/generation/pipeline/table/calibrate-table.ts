import type { ErrorTable, Ladder, TableFile } from "../../caching/index.ts";
import { openModelFolder } from "../../checkpoint/index.ts";
import type { ResolvedRequest } from "../../request/index.ts";
import { openParts, type PipelineOptions } from "../model/parts.ts";
import { amplificationOf, amplificationsAt, type Change, triedSteps } from "./amplification.ts";
import { BUDGETS, ladderOf, measureRungs, type VideoRungs } from "./ladder.ts";
import { type Moments, meanMoments, momentsOf } from "./moments.ts";
import { branchWatch, samplingWatch, trunkWatch } from "./recording.ts";
import { openWatchedVideos, type WatchedVideos } from "./watched-videos.ts";

export interface TableMeasurement {
  /** Prompts and seeds to measure, all of one size, length and guidance scale. Their numbers of steps do not count. */
  readonly requests: readonly ResolvedRequest[];
  /** Numbers of denoising steps for which promises are to be kept, ascending. */
  readonly steps: readonly number[];
  /** The model's own number of steps. */
  readonly usualSteps: number;
  readonly options?: PipelineOptions;
  readonly onProgress?: (progress: TableProgress) => void;
  /** Called with the table so far after each number of steps: the model's own first. */
  readonly onLadder?: (measured: MeasuredTable) => Promise<void>;
}

export interface MeasuredTable {
  readonly table: ErrorTable;
  readonly madeFor: TableFile["madeFor"];
}

export interface TableProgress {
  readonly stage: "moments" | "amplification" | "ladders";
  /** Share of the whole measurement that is done, 0 to 1. */
  readonly done: number;
}

/** Fewest steps of which a table can be made. */
export const STEPS_MIN = 4;

/** Number of steps that moments are measured at, if so many are asked for: fewer steps are interpolated well. */
const FINE_STEPS = 100;
/** Limit of the noise levels of a table. */
const LEVELS_MAX = 128;
/** Prompts of which the amplification is measured. It differs little between them. */
const AMPLIFIED_MAX = 12;
/** Share of the steps that a budget computes, about. It is used to predict how long the measurement takes. */
const COMPUTED_SHARE = 0.45;
/** Significant digits of the numbers of a table. A float32 has about as many. */
const DIGITS = 7;

/**
 * Measures the table of a model: moments of the residual and of the clean latent, what becomes of a change of the latent,
 * and the quality that budgets come to. It takes a few dozen generations for each prompt and number of steps.
 *
 * @throws the errors of `openPipeline` and `generate`
 */
export async function measureTable(folder: string, measurement: TableMeasurement): Promise<MeasuredTable> {
  const madeFor = await madeForIn(folder, measurement);
  const videos = await openWatchedVideos(folder, measurement.options);
  try {
    const progress = progressOf(measurement);
    const moments = await measureMoments(videos, measurement, progress);
    const changes = await measureAmplification(videos, measurement, progress);
    const table: ErrorTable = rounded({
      levels: [...moments.levels],
      residual: moments.residual.moments.map((row) => [...row]),
      clean: moments.clean.moments.map((row) => [...row]),
      cleanSquare: moments.clean.square,
      amplification: amplificationsAt(moments.levels, changes),
      ladders: [],
    });
    let ladders: readonly Ladder[] = [];
    const measured = () => ({ table: { ...table, ladders: rounded([...ladders]) }, madeFor });
    const { usual } = stepsOf(measurement);
    for (const steps of measurement.steps.toSorted((a, b) => Number(b === usual) - Number(a === usual))) {
      const rungs: VideoRungs[] = [];
      for (const request of measurement.requests) {
        progress("ladders", steps * (1 + COMPUTED_SHARE * BUDGETS.length));
        rungs.push(await measureRungs(videos, { ...request, steps }, table));
      }
      ladders = [...ladders, ladderOf(steps, rungs)].toSorted((a, b) => a.steps - b.steps);
      await measurement.onLadder?.(measured());
    }
    return measured();
  } finally {
    await videos.close();
  }
}

/** Reports a stage and what was done before; `work` is how many computed steps will be done next. */
type Report = (stage: TableProgress["stage"], work: number) => void;

function progressOf(measurement: TableMeasurement): Report {
  const { requests, steps, onProgress } = measurement;
  const { fine, usual } = stepsOf(measurement);
  const amplified = Math.min(AMPLIFIED_MAX, requests.length);
  const branches = triedSteps(usual).reduce((sum, step) => sum + usual - step, 0);
  const ladders = steps.reduce((sum, count) => sum + count * (1 + COMPUTED_SHARE * BUDGETS.length), 0);
  const total = requests.length * (fine + ladders) + amplified * (usual + branches);
  let done = 0;
  return (stage, work) => {
    onProgress?.({ stage, done: done / total });
    done += work;
  };
}

/** Returns the numbers of steps at which moments and amplifications are measured. */
function stepsOf({ steps, usualSteps }: TableMeasurement): { fine: number; usual: number } {
  const closeTo = (aim: number) =>
    steps.reduce((best, count) => (Math.abs(count - aim) < Math.abs(best - aim) ? count : best));
  return { fine: steps.findLast((count) => count <= FINE_STEPS) ?? steps[0]!, usual: closeTo(usualSteps) };
}

async function measureMoments(videos: WatchedVideos, measurement: TableMeasurement, report: Report) {
  const { fine: steps } = stepsOf(measurement);
  const measured: { residual: Moments; clean: Moments }[] = [];
  let levels: readonly number[] = [];
  for (const request of measurement.requests) {
    report("moments", steps);
    const watch = samplingWatch();
    const { noiseLevels } = await videos.plain({ ...request, steps }, watch);
    const kept = descending(noiseLevels);
    levels = kept.map((step) => noiseLevels[step]!);
    const of = (samples: readonly Float32Array[]) => momentsOf(kept.map((step) => samples[step]!));
    measured.push({ residual: of(watch.residual), clean: of(watch.clean) });
  }
  return {
    levels,
    residual: meanMoments(measured.map(({ residual }) => residual)),
    clean: meanMoments(measured.map(({ clean }) => clean)),
  };
}

/**
 * Returns the evaluations at which the noise level falls below all before, at most as many as a table may have. Some
 * samplers evaluate a level twice.
 */
export function descending(levels: readonly number[]): number[] {
  let lowest = Infinity;
  const falls = levels.flatMap((level, index) => {
    const isBelow = level < lowest;
    lowest = Math.min(lowest, level);
    return isBelow ? [index] : [];
  });
  if (falls.length <= LEVELS_MAX) return falls;
  return Array.from(
    { length: LEVELS_MAX },
    (_, i) => falls[Math.round((i * (falls.length - 1)) / (LEVELS_MAX - 1))]!,
  );
}

async function measureAmplification(videos: WatchedVideos, measurement: TableMeasurement, report: Report) {
  const { usual: steps } = stepsOf(measurement);
  const changes = new Map<number, Change[]>();
  let levels: readonly number[] = [];
  for (const asked of measurement.requests.slice(0, AMPLIFIED_MAX)) {
    const request = { ...asked, steps };
    report("amplification", steps);
    // A sampler may make more evaluations than steps; a step that is not reached is not tried.
    const trunk = trunkWatch(triedSteps(steps));
    const { latent, noiseLevels } = await videos.plain(request, trunk);
    levels = noiseLevels;
    for (const step of [...trunk.reused.keys()]) {
      report("amplification", steps - step);
      const branch = branchWatch(trunk, step);
      const changed = await videos.plain(request, branch);
      const after = distance(branch.after!, trunk.latents.get(step)!);
      const list = changes.get(step) ?? [];
      changes.set(step, [...list, { after, final: distance(changed.latent, latent) }]);
    }
  }
  const measured = [...changes].flatMap(([step, list]) => {
    const amplification = amplificationOf(list);
    return amplification === null ? [] : [{ level: levels[step]!, amplification }];
  });
  return [...measured, { level: levels.at(-1)!, amplification: 1 }].toSorted((a, b) => b.level - a.level);
}

async function madeForIn(
  folder: string,
  { requests, options = {} }: TableMeasurement,
): Promise<TableFile["madeFor"]> {
  const { name, madeFor } = await openParts(await openModelFolder(folder), options);
  const { guidanceScale, width, height, frames } = requests[0]!;
  return { model: name, ...(await madeFor()), guidanceScale, width, height, frames };
}

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}

/** Rounds all numbers in a value. */
function rounded<Value>(value: Value): Value {
  const text = JSON.stringify(value, (_key, member) =>
    typeof member === "number" ? Number(member.toPrecision(DIGITS)) : member,
  );
  return JSON.parse(text) as Value;
}
