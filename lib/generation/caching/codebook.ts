import * as z from "zod";

export const codebookRowSchema = z.strictObject({
  below: z.number().positive().nullable(),
  rate: z.int().positive(),
});

/** Rows of a codebook, with thresholds that ascend and a last row that has none. */
export const codebookSchema = z
  .array(codebookRowSchema)
  .min(1)
  .describe("Rows of ascending distance and the steps to the next computed one; the last without `below`.");

/** Row of a codebook: distances under `below` (and not under an earlier row's) get `rate`. */
export interface CodebookRow {
  /** Exclusive upper bound of the distance; null in the last row, and only there. */
  readonly below: number | null;
  /** Denoising steps to the next computed one, an integer >= 1. */
  readonly rate: number;
}

/** Rows with `below` strictly ascending. The authors' must be six; ours may be any number. */
export type Codebook = readonly CodebookRow[];

export type CacheSpeed = "slow" | "fast";

/**
 * The steps from which the 100-step books apply. The change between neighbouring steps shrinks as 1/steps, so
 * the book to take is the one nearest in ratio, and sqrt(30 * 100) = 54.8 is where the two are equally near.
 */
export const MANY_STEPS = 55;

/** AdaCache (arXiv 2411.02397) appendix A.1; `codebook` in the authors' sample configurations. */
const FAST_30: Codebook = [
  { below: 0.08, rate: 6 },
  { below: 0.16, rate: 5 },
  { below: 0.24, rate: 4 },
  { below: 0.32, rate: 3 },
  { below: 0.4, rate: 2 },
  { below: null, rate: 1 },
];

/** Appendix A.1; the authors pad it to six entries with rows of rate 1. */
const SLOW_30: Codebook = [
  { below: 0.08, rate: 3 },
  { below: 0.16, rate: 2 },
  { below: null, rate: 1 },
];

/** Appendix A.1. Its last rate is 3: at 100 steps even the largest change skips two. */
const FAST_100: Codebook = [
  { below: 0.03, rate: 12 },
  { below: 0.05, rate: 10 },
  { below: 0.07, rate: 8 },
  { below: 0.09, rate: 6 },
  { below: 0.11, rate: 4 },
  { below: null, rate: 3 },
];

/**
 * Codebook of our own. The authors publish the rates of a slow book for 100 steps, {2, 1} (table 3f), but not its
 * threshold. Ours is where their 30-step slow book falls to rate 1, brought to 100 steps: 0.16 * 30 / 100.
 */
const SLOW_100: Codebook = [
  { below: 0.048, rate: 2 },
  { below: null, rate: 1 },
];

/** The codebook of a named speed for a run of `steps` denoising steps. */
export function codebookFor(speed: CacheSpeed, steps: number): Codebook {
  if (steps < MANY_STEPS) return speed === "fast" ? FAST_30 : SLOW_30;
  return speed === "fast" ? FAST_100 : SLOW_100;
}

/**
 * Returns the rate of the first row whose threshold is above `distance`; a distance equal to a threshold is not below it.
 */
export function rateAt(codebook: Codebook, distance: number): number {
  const row = codebook.find(({ below }) => below !== null && distance < below) ?? codebook.at(-1);
  if (row === undefined) throw new RangeError("a codebook needs at least one row");
  return row.rate;
}
