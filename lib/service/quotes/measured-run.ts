import * as z from "zod";

const seconds = z.number().nonnegative();
const size = z.int().positive();

/** Run of a model that made a video: what its time depended on, and what it took. It names no tenant and no prompt. */
export const measuredRunSchema = z.object({
  /** Time of its end in milliseconds since 1970. */
  at: z.int().nonnegative(),
  width: size,
  height: size,
  frames: size,
  /** Denoising steps of the request. */
  steps: size,
  /** Evaluations of the model that the sampler made of them, computed or reused. */
  evaluations: size,
  /** Computed ones among the evaluations. */
  computed: size,
  isGuided: z.boolean(),
  /** Caching policy and its options as one text. */
  policy: z.string(),
  /** True if the video without cache was made too, to be stored (`compare`) or to be measured (`audit`). */
  isCompared: z.boolean(),
  isAudited: z.boolean(),
  /** Machine, execution provider and precision as one text: runs of other workers tell nothing of this one. */
  worker: z.string(),
  /** True if the model was opened for this run. */
  isCold: z.boolean(),
  seconds: z.object({
    load: seconds,
    encode: seconds,
    decode: seconds,
    write: seconds,
    upload: seconds,
    /** Time from the claim to the end: all that is billed for the video. */
    make: seconds,
    /** Median of the computed steps. */
    computedStep: seconds,
    /** Median of the reused steps; null if there was none. */
    reusedStep: seconds.nullable(),
    /** Time from creation to claim; null for a later attempt. */
    wait: seconds.nullable(),
  }),
  /** Unfinished videos whose turn came before when it was created; null if nobody counted. */
  ahead: z.int().nonnegative().nullable(),
});

export type MeasuredRun = z.infer<typeof measuredRunSchema>;

/** Returns whether two runs make videos of the same size and length in batches of the same size. */
export function hasSameShape(one: Shape, other: Shape): boolean {
  return (
    one.width === other.width &&
    one.height === other.height &&
    one.frames === other.frames &&
    one.isGuided === other.isGuided
  );
}

export type Shape = Pick<MeasuredRun, "width" | "height" | "frames" | "isGuided">;
