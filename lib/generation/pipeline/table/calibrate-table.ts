import type { ErrorTable, Ladder, TableFile } from "../../caching/index.ts";
import { openModelFolder } from "../../checkpoint/index.ts";
import type { ResolvedRequest } from "../../request/index.ts";
import { openParts, type PipelineOptions } from "../model/parts.ts";
import type { Observer } from "../observer.ts";
import { amplificationsAt, measureAmplification, triedSteps } from "./amplification.ts";
import { BUDGETS, ladderOf, measureRungs, type VideoRungs } from "./ladder.ts";
import { measureMoments } from "./measure-moments.ts";
import { openWatchedVideos } from "./watched-videos.ts";

export interface TableMeasurement {
  /** Prompts and seeds to measure, all of one size, length and guidance scale. Their numbers of steps do not count. */
  readonly requests: readonly ResolvedRequest[];
  /** Numbers of denoising steps for which promises are to be kept, ascending. */
  readonly steps: readonly number[];
  /** The model's own number of steps. */
  readonly usualSteps: number;
  readonly options?: PipelineOptions;
  readonly onProgress?: (progress: TableProgress) => void;
  readonly onVideo?: Observer["decoded"];
  /** Called with the table so far after each number of steps, that closest to the model's own first. */
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

/** Number of steps up to which moments are measured: the more, the less has to be interpolated. */
const FINE_STEPS = 100;
/** Prompts of which moments are measured, and of which amplifications. Means over more differ little. */
const MOMENTS_MAX = 16;
const AMPLIFIED_MAX = 12;
/** Share of the steps that a budget computes, about. It is used to predict how long the measurement takes. */
const COMPUTED_SHARE = 0.45;
/** Significant digits of the numbers of a table. A float32 has about as many. */
const DIGITS = 7;

/**
 * Measures the table of a model: moments of the residual and of the clean latent, what becomes of a change of it,
 * and the quality that budgets come to. For each prompt and number of steps it makes a video without cache and one with
 * each budget.
 *
 * @throws the errors of `openPipeline` and `generate`
 */
export async function measureTable(folder: string, measurement: TableMeasurement): Promise<MeasuredTable> {
  const { requests, steps, options, onLadder, onVideo } = measurement;
  const made = await madeFor(folder, measurement);
  const report = reporter(measurement);
  const { fine, usual } = chosenSteps(measurement);
  const withSteps = (count: number) => requests.map((request) => ({ ...request, steps: count }));
  const videos = await openWatchedVideos(folder, options, onVideo);
  try {
    const moments = await measureMoments(videos, withSteps(fine).slice(0, MOMENTS_MAX), (work) =>
      report("moments", work),
    );
    const amplified = withSteps(usual).slice(0, AMPLIFIED_MAX);
    const amplification = await measureAmplification(videos, amplified, (work) =>
      report("amplification", work),
    );
    let table: ErrorTable = rounded({
      levels: [...moments.levels],
      residual: moments.residual.moments.map((row) => [...row]),
      clean: moments.clean.moments.map((row) => [...row]),
      cleanSquare: moments.clean.square,
      amplification: amplificationsAt(moments.levels, amplification),
      ladders: [],
    });
    const planned = { ...table };
    for (const count of steps.toSorted((a, b) => Number(b === usual) - Number(a === usual))) {
      const rungs: VideoRungs[] = [];
      for (const request of withSteps(count)) {
        report("ladders", ladderWork(count));
        rungs.push(await measureRungs(videos, request, planned));
      }
      table = withLadder(table, rounded(ladderOf(count, rungs)));
      await onLadder?.({ table, madeFor: made });
    }
    return { table, madeFor: made };
  } finally {
    await videos.close();
  }
}

function withLadder(table: ErrorTable, ladder: Ladder): ErrorTable {
  return { ...table, ladders: [...table.ladders, ladder].toSorted((a, b) => a.steps - b.steps) };
}

/** Returns the numbers of steps at which moments and amplifications are measured. */
function chosenSteps({ steps, usualSteps }: TableMeasurement): { fine: number; usual: number } {
  const distance = (count: number) => Math.abs(count - usualSteps);
  return {
    fine: steps.findLast((count) => count <= FINE_STEPS) ?? steps[0]!,
    usual: steps.toSorted((a, b) => distance(a) - distance(b))[0]!,
  };
}

/** Computed steps of a video without cache and with each budget, about. */
function ladderWork(steps: number): number {
  return steps * (1 + COMPUTED_SHARE * BUDGETS.length);
}

/** Returns what reports the share that was done, and is told how many computed steps will be done next. */
function reporter(measurement: TableMeasurement) {
  const { requests, steps, onProgress } = measurement;
  const { fine, usual } = chosenSteps(measurement);
  const branches = triedSteps(usual).reduce((sum, step) => sum + usual - step, 0);
  const ladders = steps.reduce((sum, count) => sum + ladderWork(count), 0);
  const amplified = Math.min(AMPLIFIED_MAX, requests.length);
  const total =
    Math.min(MOMENTS_MAX, requests.length) * fine +
    amplified * (usual + branches) +
    requests.length * ladders;
  let done = 0;
  return (stage: TableProgress["stage"], work: number) => {
    onProgress?.({ stage, done: done / total });
    done += work;
  };
}

async function madeFor(
  folder: string,
  { requests, options = {} }: TableMeasurement,
): Promise<TableFile["madeFor"]> {
  const model = await openParts(await openModelFolder(folder, options), options);
  const { guidanceScale, width, height, frames } = requests[0]!;
  return { model: model.name, ...(await model.madeFor()), guidanceScale, width, height, frames };
}

/** Rounds all numbers in a value. */
function rounded<Value>(value: Value): Value {
  const text = JSON.stringify(value, (_key, member) =>
    typeof member === "number" ? Number(member.toPrecision(DIGITS)) : member,
  );
  return JSON.parse(text) as Value;
}
