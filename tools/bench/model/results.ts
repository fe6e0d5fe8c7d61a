import { z } from "zod";
import { circumstancesSchema } from "../machine.ts";
import { quantile, ratios, type Spread, spread } from "../statistics.ts";
import { SESSIONS } from "../step/results.ts";

/** Values in the order of the rounds: ours and PyTorch take turns, so a ratio is of one round. */
const rounds = z.array(z.number().positive()).min(1);

/** Graphs of a model that are timed. */
const SUBJECTS = ["step", "text", "decoder"] as const;
export type Subject = (typeof SUBJECTS)[number];

/** Milliseconds of single runs, as torch_model.py tells them. */
export const torchTimesSchema = z.object({ times: rounds });

const torchSchema = z.object({
  version: z.string(),
  /** The largest distance between the two results, over the largest value. */
  difference: z.number().nonnegative(),
  /** Milliseconds. */
  runs: rounds,
});

const timingSchema = z.object({
  family: z.string(),
  subject: z.enum(SUBJECTS),
  /** Share of the published model that is computed, and the size of its inputs. */
  extent: z.string(),
  /** Milliseconds of the part, in a step that is computed. */
  ours: rounds,
  /** Milliseconds of reused steps, and the numbers of blocks here and in the published model; null for other parts. */
  reuse: z
    .object({ runs: rounds, blocks: z.int().positive(), publishedBlocks: z.int().positive() })
    .nullable(),
  /** A sentence says why PyTorch was not timed. */
  torch: z.union([torchSchema, z.string()]),
});

/** A session opened in a fresh process, and perhaps run once. */
export const openingSchema = z.object({
  /** Milliseconds to build the graph, to open a session on it, and to run it; null where it was not run. */
  build: z.number(),
  open: z.number(),
  run: z.number().nullable(),
  graphBytes: z.number(),
  /** Bytes of the weights, in float32. */
  weightBytes: z.number(),
  /**
   * Bytes resident in the process before the session was opened, and the most until the end, mapped weights included;
   * null where /proc is missing.
   */
  memory: z.object({ before: z.number(), peak: z.number() }).nullable(),
});

const sessionSchema = z.object({
  family: z.string(),
  session: z.enum(SESSIONS),
  video: z.object({ width: z.number(), height: z.number(), frames: z.number(), fps: z.number() }),
  opening: openingSchema,
});

/** Measurements of `model`: enough to write the report again. */
export const modelResultsSchema = z.object({
  kind: z.literal("model"),
  circumstances: circumstancesSchema,
  threads: z.int().positive(),
  /** Load average when the last round was over, this benchmark included. */
  loadAfter: z.number(),
  timings: z.array(timingSchema).min(1),
  /** A run of every decoder. */
  decoders: z.array(sessionSchema),
  /** The published models, as large as they are, over weights that are holes on the disk. */
  openings: z.array(sessionSchema),
});

export type ModelResults = z.infer<typeof modelResultsSchema>;
export type ModelTiming = z.infer<typeof timingSchema>;
export type ModelSession = z.infer<typeof sessionSchema>;
export type Opening = z.infer<typeof openingSchema>;

/** Ratios alone: each is of one round, so that what slows a round slows both of its sides. */
export interface ModelTimingSummary {
  readonly torch: TorchSummary | string;
  /** A reused step over a computed one. */
  readonly reusedShare: Spread | null;
  /** A reused step over a computed one with all blocks, each of which takes as long as those that were timed. */
  readonly publishedReusedShare: Spread | null;
}

export interface TorchSummary {
  readonly difference: number;
  /** PyTorch over ours, of each round: above 1 ours is faster. */
  readonly ratio: Spread;
  /** The fastest of PyTorch's runs over the fastest of ours: those that others disturbed least. */
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
 * The largest distance of a value to the one expected, over the largest of those.
 *
 * @throws RangeError when there are not as many, or one is no number
 */
export function relativeDistance(values: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (values.length !== expected.length) {
    throw new RangeError(`${values.length} values cannot be held against ${expected.length}`);
  }
  let [distance, largest] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const apart = Math.abs(values[i]! - expected[i]!);
    if (Number.isNaN(apart)) throw new RangeError(`value ${i} is no number that could be compared`);
    distance = Math.max(distance, apart);
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return distance / largest;
}
