import * as z from "zod";
import { wordings } from "../../shared/sentences/index.ts";

export const codebookRowSchema = z.strictObject({
  below: z.number().positive().nullable(),
  rate: z.int().positive(),
});

/** Schema of a codebook: rows with ascending thresholds and a last row without one. */
export const codebookSchema = z
  .array(codebookRowSchema)
  .min(1)
  .describe("Rows of ascending distance and the steps to the next computed one; the last without `below`.");

/** Schema of a codebook as people write it: the last row may leave out `below`, and the rows are checked to be one. */
export const askedCodebookSchema = z
  .array(codebookRowSchema.partial({ below: true }))
  .min(1)
  .superRefine((rows, context) => {
    const refuse = (path: (number | string)[], message: string) =>
      context.addIssue({ code: "custom", path, message, input: rows });
    for (const [index, { below = null }] of rows.entries()) {
      const previous = rows[index - 1]?.below ?? null;
      if (index === rows.length - 1) {
        if (below !== null)
          refuse(
            [index],
            "is the last and has below: add a row without it, so that every distance finds a rate",
          );
      } else if (below === null) refuse([index, "below"], "is missing: only the last row may leave it out");
      else if (previous !== null && below <= previous)
        refuse([index, "below"], `is a number above the ${previous} of the row before it, not ${below}`);
    }
  })
  .describe(codebookSchema.description!)
  .register(wordings, {
    is: 'a list of rows, such as [{"below": 0.1, "rate": 4}, {"rate": 1}]',
    entry: "row",
  });

/** Row of a codebook: distances under `below` (and not under an earlier row's) get `rate`. */
export interface CodebookRow {
  /** Exclusive upper bound of the distance; null in the last row, and only there. */
  readonly below: number | null;
  /** Denoising steps to the next computed one, an integer >= 1. */
  readonly rate: number;
}

/** Rows with strictly ascending `below`. The authors' code requires six; here any number is allowed. */
export type Codebook = readonly CodebookRow[];

export type CacheSpeed = "slow" | "fast";

/**
 * Number of steps from which the 100-step codebooks are used. The change between neighbouring steps shrinks as 1/steps,
 * so the codebook nearest in ratio is used; sqrt(30 * 100) = 54.8 is equally near to both.
 */
export const MANY_STEPS = 55;

/**
 * Fast codebook for 30 steps: AdaCache (arXiv 2411.02397) appendix A.1, and `codebook` in the authors' sample
 * configurations.
 */
const FAST_30: Codebook = [
  { below: 0.08, rate: 6 },
  { below: 0.16, rate: 5 },
  { below: 0.24, rate: 4 },
  { below: 0.32, rate: 3 },
  { below: 0.4, rate: 2 },
  { below: null, rate: 1 },
];

/** Slow codebook for 30 steps: appendix A.1; the authors pad it to six entries with rows of rate 1. */
const SLOW_30: Codebook = [
  { below: 0.08, rate: 3 },
  { below: 0.16, rate: 2 },
  { below: null, rate: 1 },
];

/**
 * Fast codebook for 100 steps: appendix A.1. Its last rate is 3, so that even after the largest change two steps are
 * reused.
 */
const FAST_100: Codebook = [
  { below: 0.03, rate: 12 },
  { below: 0.05, rate: 10 },
  { below: 0.07, rate: 8 },
  { below: 0.09, rate: 6 },
  { below: 0.11, rate: 4 },
  { below: null, rate: 3 },
];

/**
 * Slow codebook for 100 steps. The authors publish its rates, {2, 1} (table 3f), but not its threshold. The threshold
 * here is that at which their 30-step slow codebook falls to rate 1, scaled to 100 steps: 0.16 * 30 / 100.
 */
const SLOW_100: Codebook = [
  { below: 0.048, rate: 2 },
  { below: null, rate: 1 },
];

/** Returns the codebook of a named speed for a run of `steps` denoising steps. */
export function codebookFor(speed: CacheSpeed, steps: number): Codebook {
  if (steps < MANY_STEPS) return speed === "fast" ? FAST_30 : SLOW_30;
  return speed === "fast" ? FAST_100 : SLOW_100;
}

/**
 * Returns the rate of the first row whose threshold is above `distance`; a distance equal to a threshold is not below
 * it.
 */
export function rateAt(codebook: Codebook, distance: number): number {
  const row = codebook.find(({ below }) => below !== null && distance < below) ?? codebook.at(-1);
  if (row === undefined) throw new RangeError("a codebook needs at least one row");
  return row.rate;
}
