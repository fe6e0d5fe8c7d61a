import { z } from "zod";
import { circumstancesSchema } from "../machine.ts";
import { quantile, ratios, type Spread, spread } from "../statistics.ts";
import { SESSIONS } from "../step/results.ts";

/** Values in the order of the rounds. Ours and PyTorch run in turns, so that a ratio is of one round. */
const rounds = z.array(z.number().positive()).min(1);

/** Graphs of a model that are timed. */
const SUBJECTS = ["step", "text", "decoder"] as const;
export type Subject = (typeof SUBJECTS)[number];

/** Milliseconds of single runs, as torch_model.py reports them. */
export const torchTimesSchema = z.object({ times: rounds });

const torchSchema = z.object({
  version: z.string(),
  /** Largest difference between the two results, over the largest value. */
  difference: z.number().nonnegative(),
  /** Milliseconds of each run. */
  runs: rounds,
});

const timingSchema = z.object({
  family: z.string(),
  subject: z.enum(SUBJECTS),
  /** Part of the published model that is computed, and the size of its inputs. */
  extent: z.string(),
  /** Milliseconds of each run of the graph; for a step those of computed steps. */
  ours: rounds,
  /**
   * Milliseconds of reused steps, with the numbers of blocks here and in the published model; null if the subject is
   * not a step.
   */
  reuse: z
    .object({ runs: rounds, blocks: z.int().positive(), publishedBlocks: z.int().positive() })
    .nullable(),
  /** Times of PyTorch, or a sentence that says why it was not timed. */
  torch: z.union([torchSchema, z.string()]),
});

/** A session opened in a fresh process, and perhaps run once. */
export const openingSchema = z.object({
  /** Milliseconds to build the graph, to open a session on it, and to run it; `run` is null if it was not run. */
  build: z.number(),
  open: z.number(),
  run: z.number().nullable(),
  graphBytes: z.number(),
  /** Bytes of the weights, in float32. */
  weightBytes: z.number(),
  /**
   * Bytes resident in the process before the session was opened, and the largest number until the end, mapped weights
   * included; null if /proc is missing.
   */
  memory: z.object({ before: z.number(), peak: z.number() }).nullable(),
});

const sessionSchema = z.object({
  family: z.string(),
  session: z.enum(SESSIONS),
  video: z.object({ width: z.number(), height: z.number(), frames: z.number(), fps: z.number() }),
  opening: openingSchema,
});

/** Measurements of `model`, complete enough to write the report again. */
export const modelResultsSchema = z.object({
  kind: z.literal("model"),
  circumstances: circumstancesSchema,
  threads: z.int().positive(),
  /** Load average after the last round, this benchmark included. */
  loadAfter: z.number(),
  timings: z.array(timingSchema).min(1),
  /** Openings and runs of every decoder. */
  decoders: z.array(sessionSchema),
  /** Openings of the published models at their full size, over weights that are holes on the disk. */
  openings: z.array(sessionSchema),
});

export type ModelResults = z.infer<typeof modelResultsSchema>;
export type ModelTiming = z.infer<typeof timingSchema>;
export type ModelSession = z.infer<typeof sessionSchema>;
export type Opening = z.infer<typeof openingSchema>;

/** Summary of a timing in ratios. Each ratio is of one round, so that a disturbance slows both of its sides. */
export interface ModelTimingSummary {
  readonly torch: TorchSummary | string;
  /** Time of a reused step over that of a computed one. */
  readonly reusedShare: Spread | null;
  /**
   * Time of a reused step over that of a computed one with all blocks, if each takes as long as those that were timed.
   */
  readonly publishedReusedShare: Spread | null;
}

export interface TorchSummary {
  readonly difference: number;
  /** Time of PyTorch over ours, of each round; above 1 ours is faster. */
  readonly ratio: Spread;
  /** Fastest run of PyTorch over the fastest of ours, which are the runs that were disturbed least. */
  readonly fastestRatio: number;
}

export function summariseModelTiming({ ours, reuse, torch }: ModelTiming): ModelTimingSummary {
  return {
    torch:
      typeof torch === "string"
        ? torch
        : {
            difference: torch.difference,
            ratio: spread(ratios(torch.runs, ours)),
            fastestRatio: quantile(torch.runs, 0) / quantile(ours, 0),
          },
    reusedShare: reuse && spread(ratios(reuse.runs, ours)),
    publishedReusedShare: reuse && spread(publishedShares(ours, reuse)),
  };
}

function publishedShares(
  computed: readonly number[],
  { runs, blocks, publishedBlocks }: NonNullable<ModelTiming["reuse"]>,
): number[] {
  return ratios(runs, computed).map((share) => share / (share + ((1 - share) * publishedBlocks) / blocks));
}

/**
 * Returns the largest difference of a value from the expected one, over the largest expected value.
 *
 * @throws RangeError if the numbers of values differ, or a value is not a number
 */
export function relativeDistance(values: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (values.length !== expected.length) {
    throw new RangeError(`${values.length} values cannot be compared with ${expected.length}`);
  }
  let [distance, largest] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const apart = Math.abs(values[i]! - expected[i]!);
    if (Number.isNaN(apart)) throw new RangeError(`value ${i} is not a number`);
    distance = Math.max(distance, apart);
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return distance / largest;
}
