import { z } from "zod";
import { circumstancesSchema } from "../machine.ts";
import { quantile, ratios, type Spread, spread } from "../statistics.ts";
import { SESSIONS } from "../step/results.ts";

/** Values of each round, in order. Ours and PyTorch take turns, so ratios are computed per round. */
const rounds = z.array(z.number().positive()).min(1);

/** Timed graphs of a model. */
const SUBJECTS = ["step", "text", "decoder"] as const;
export type Subject = (typeof SUBJECTS)[number];

/** Milliseconds of single runs, as torch_model.py prints them. */
export const torchTimesSchema = z.object({ times: rounds });

const torchSchema = z.object({
  version: z.string(),
  /** Largest absolute difference of the two results divided by the largest value. */
  difference: z.number().nonnegative(),
  /** Milliseconds of a run. */
  runs: rounds,
});

const timingSchema = z.object({
  family: z.string(),
  subject: z.enum(SUBJECTS),
  /** Description of the timed share of the published model and the size of its inputs. */
  extent: z.string(),
  /** Milliseconds of a run; for a step, of a computed one. */
  ours: rounds,
  /** Milliseconds of reused steps, and numbers of blocks here and in the published model; null unless it is a step. */
  reuse: z
    .object({ runs: rounds, blocks: z.int().positive(), publishedBlocks: z.int().positive() })
    .nullable(),
  /** Timings of PyTorch, or a sentence that says why it was not timed. */
  torch: z.union([torchSchema, z.string()]),
});

/** Measurements of a session that was opened, and possibly run once, in a fresh process. */
export const openingSchema = z.object({
  /** Milliseconds to build the graph, to open a session, and to run it; the run is null if there was none. */
  build: z.number(),
  open: z.number(),
  run: z.number().nullable(),
  graphBytes: z.number(),
  /** Bytes of the float32 weights. */
  weightBytes: z.number(),
  /**
   * Resident bytes of the process before the session was opened, and their peak, including mapped weights; null where
   * /proc is missing.
   */
  memory: z.object({ before: z.number(), peak: z.number() }).nullable(),
});

const sessionSchema = z.object({
  family: z.string(),
  session: z.enum(SESSIONS),
  video: z.object({ width: z.number(), height: z.number(), frames: z.number(), fps: z.number() }),
  opening: openingSchema,
});

/** All measurements of `model`; the report is written from them. */
export const modelResultsSchema = z.object({
  kind: z.literal("model"),
  circumstances: circumstancesSchema,
  threads: z.int().positive(),
  /** Load average after the last round, including this benchmark. */
  loadAfter: z.number(),
  timings: z.array(timingSchema).min(1),
  /** Sessions of the decoders, each run once. */
  decoders: z.array(sessionSchema),
  /** Sessions of the models at their published size, with weights in sparse files. */
  openings: z.array(sessionSchema),
});

export type ModelResults = z.infer<typeof modelResultsSchema>;
export type ModelTiming = z.infer<typeof timingSchema>;
export type ModelSession = z.infer<typeof sessionSchema>;
export type Opening = z.infer<typeof openingSchema>;

/** Ratios of timings. Each is computed within a round, so that a slow phase of the machine affects both sides. */
export interface ModelTimingSummary {
  readonly torch: TorchSummary | string;
  /** Time of a reused step divided by that of a computed step. */
  readonly reusedShare: Spread | null;
  /** The same ratio, extrapolated to all blocks of the published model. */
  readonly publishedReusedShare: Spread | null;
}

export interface TorchSummary {
  readonly difference: number;
  /** Time of PyTorch divided by that of ours, per round; above 1 if ours is faster. */
  readonly ratio: Spread;
  /** PyTorch's fastest run divided by our fastest run, the runs that other programs disturbed least. */
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
 * Returns the largest absolute difference from the expected values divided by the largest expected value.
 *
 * @throws RangeError if the numbers of values differ, or a value is NaN
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
