import { z } from "zod";
import { circumstancesSchema } from "../machine.ts";
import { quantile, ratios, type Spread, spread } from "../statistics.ts";
import { SESSIONS } from "../step/results.ts";

/** Values of each round, in order. Ours and PyTorch take turns, so ratios are computed per round. */
const rounds = z.array(z.number().positive()).min(1);

/** Timed graphs of a model. */
const SUBJECTS = ["step", "text", "decoder"] as const;
export type Subject = (typeof SUBJECTS)[number];

/** Forms in which PyTorch runs a part, as torch_model.py names them; those of float32 come first. */
export const TORCH_FORMS = ["float32", "compiled float32", "bfloat16", "compiled bfloat16"] as const;
/** A form that is timed on the CPU, or on a GPU only. */
export type TorchForm = z.infer<typeof form>;

/** Milliseconds of one run: by the clock, and of the processor over all threads. */
export const runSchema = z.object({ wall: z.number().positive(), processor: z.number().positive() });
export type Run = z.infer<typeof runSchema>;

const form = z.enum([...TORCH_FORMS, "float16", "compiled float16"]);
const failedSchema = z.object({ form, problem: z.string() });
const attention = z.string();

/**
 * First line of torch_model.py: the forms that it can run, with milliseconds of a run and the bytes of GPU memory that
 * each took at most, and those that it cannot.
 */
export const torchFormsSchema = z.object({
  forms: z.array(
    z.union([
      z.object({ form, attention, milliseconds: z.number(), memory: z.number().nullable() }),
      failedSchema,
    ]),
  ),
});

const torchSchema = z.object({
  version: z.string(),
  forms: z.array(
    z.union([
      z.object({
        form,
        /** Fastest form of attention: `fused` or `written`. */
        attention,
        /** Largest absolute difference from our float32 result divided by the largest value. */
        difference: z.number().nonnegative(),
        /** Milliseconds of a run; a slow form has the first round only. */
        runs: rounds,
      }),
      failedSchema,
    ]),
  ),
});

const timingSchema = z.object({
  family: z.string(),
  subject: z.enum(SUBJECTS),
  /** Description of the timed share of the published model and the size of its inputs. */
  extent: z.string(),
  /** Threads of both sides. With one, times are those of the processor, which other programs disturb least. */
  threads: z.int().positive(),
  /** Milliseconds of a run by the precision of the products, float32 first; for a step, of a computed one. */
  ours: z
    .array(
      z.object({
        precision: z.string(),
        /** Largest absolute difference from our float32 result divided by the largest value. */
        difference: z.number().nonnegative(),
        runs: rounds,
      }),
    )
    .min(1),
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
  /** Circumstances of the last command. */
  circumstances: circumstancesSchema,
  /** All commands that the measurements are of. */
  commands: z.array(z.string()).min(1),
  /** Load average after the last round, including this benchmark. */
  loadAfter: z.number(),
  timings: z.array(timingSchema),
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
  /** PyTorch's forms beside each of our precisions, or a sentence that says why it was not timed. */
  readonly torch: readonly Compared[] | string;
  /** Time of a reused step divided by that of a computed step in float32. */
  readonly reusedShare: Spread | null;
  /** The same ratio, extrapolated to all blocks of the published model. */
  readonly publishedReusedShare: Spread | null;
}

/** Comparison of one of our precisions with a form of PyTorch. */
export interface Compared {
  readonly precision: string;
  readonly form: TorchForm;
  readonly attention: string;
  readonly difference: number;
  /** Time of PyTorch divided by that of ours, per round; above 1 if ours is faster. */
  readonly ratio: Spread;
  /** PyTorch's fastest run divided by our fastest run, the runs that other programs disturbed least. */
  readonly fastestRatio: number;
}

export function summariseModelTiming({ ours, reuse, torch }: ModelTiming): ModelTimingSummary {
  const float32 = ours[0]!.runs;
  return {
    torch: typeof torch === "string" ? torch : ours.flatMap((precision) => compare(precision, torch.forms)),
    reusedShare: reuse && spread(ratios(reuse.runs, float32)),
    publishedReusedShare: reuse && spread(publishedShares(float32, reuse)),
  };
}

type TorchForms = Exclude<ModelTiming["torch"], string>["forms"];

function compare({ precision, runs: ours }: ModelTiming["ours"][number], forms: TorchForms): Compared[] {
  return forms.flatMap((timed) => {
    if ("problem" in timed) return [];
    const { runs, ...described } = timed;
    const ratio = spread(ratios(runs, ours.slice(0, runs.length)));
    return [{ precision, ...described, ratio, fastestRatio: quantile(runs, 0) / quantile(ours, 0) }];
  });
}

/** Returns the comparisons that we lose: those in which PyTorch's fastest run took less than our fastest. */
export function losses(timings: readonly ModelTiming[]): { timing: ModelTiming; compared: Compared }[] {
  return timings.flatMap((timing) => {
    const { torch } = summariseModelTiming(timing);
    if (typeof torch === "string") return [];
    return torch.filter(({ fastestRatio }) => fastestRatio < 1).map((compared) => ({ timing, compared }));
  });
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
