import type { MeasuredRun } from "./measured-run.ts";
import type { Range } from "./quote.ts";
import { median, rangeOf } from "./ranks.ts";

/** Workers of a deployment, and what is known of the queue. */
export interface Waiting {
  /** Unfinished videos whose turn comes before; null if there are more than can be counted. */
  readonly ahead: number | null;
  /** Least and largest number of workers. */
  readonly workers: { readonly least: number; readonly most: number };
  /** True if no machine is expected to run, so that one has to be started. */
  readonly isAtZero: boolean;
  /** Seconds until a machine has started where none was observed; null where workers always run. */
  readonly coldStart: Range | null;
}

/** Seconds until an idle worker takes a job, before any was observed. */
const ASSUMED_START: Range = { expected: 1, low: 0, high: 10 };

/** Number of newest runs whose mean tells how long a video ahead takes. */
const NEWEST = 16;

/** Returns the seconds until a worker takes a job that waits for nobody, and whether they were observed. */
export function startOf(
  { isAtZero, coldStart }: Waiting,
  runs: readonly MeasuredRun[],
): Range & { isAssumed: boolean } {
  const mustStart = isAtZero && coldStart !== null;
  const waits = runs.flatMap(({ ahead, isCold, seconds: { wait } }) =>
    ahead === 0 && wait !== null && (coldStart === null || isCold === mustStart) ? [wait] : [],
  );
  const assumed = mustStart ? coldStart : ASSUMED_START;
  return { ...rangeOf(waits, assumed), isAssumed: waits.length === 0 && mustStart };
}

/** Returns the seconds until the videos ahead are made. */
export function queueOf({ ahead, workers }: Waiting, runs: readonly MeasuredRun[], counted: number): Range {
  const waiting = ahead ?? counted;
  if (waiting === 0 || runs.length === 0) return { expected: 0, low: 0, high: 0 };
  const makes = runs.slice(-NEWEST).map(({ seconds }) => seconds.make);
  const mean = makes.reduce((sum, make) => sum + make, 0) / makes.length;
  const few = median(makes)!;
  return {
    // The first one ahead is half done, on average.
    expected: ((waiting - 0.5) * mean * 2) / (workers.least + workers.most),
    low: ((waiting - 1) * Math.min(few, mean)) / workers.most,
    // A few videos ahead may all be long ones.
    high: ((waiting * mean + Math.max(...makes) - mean) * (1 + 1 / Math.sqrt(waiting))) / workers.least,
  };
}
