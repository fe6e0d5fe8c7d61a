import * as z from "zod";

const seconds = z.number().nonnegative();

/**
 * A computed denoising step: its 1-based number, and the values that its caching policy wrote there. Null stands for
 * what was not known; receipts of earlier versions also have nulls for values of other policies.
 */
const computedStep = z.object({ step: z.int().positive() }).catchall(z.number().nullable());

/** The same video without cache, made in the same job to compare with. */
const comparison = z.object({
  /** dB over all decoded frames; null when no pixel differs. */
  psnr: z.number().nullable(),
  ssim: z.number(),
  denoise_seconds: seconds,
  /** Denoising time without cache over that with it, both measured. */
  speedup: z.number().positive(),
});

/**
 * The compute receipt: what was computed for a video, what was reused, and what it took. It is published as it is
 * stored, so it is written in the words of the API.
 */
export const receiptSchema = z.object({
  steps: z.object({
    requested: z
      .int()
      .positive()
      .describe(
        "Evaluations of the model that the sampler asked for, computed or reused; PNDM's are 9 more than its steps.",
      ),
    computed: z.int().positive(),
    reused: z.int().nonnegative(),
    /** 1-based evaluations. */
    computed_indices: z.array(z.int().positive()),
    reused_indices: z.array(z.int().positive()),
  }),
  schedule: z.array(computedStep),
  /** The caching policy and its options. */
  cache: z.looseObject({ policy: z.string() }),
  /** Computing every step at this run's median time a computed step, over what denoising took: an estimate. */
  speedup: z.number().positive(),
  seconds: z.object({
    /** Time from the request to the worker's start. */
    queue: seconds,
    load: seconds,
    encode: seconds,
    denoise: seconds,
    decode: seconds,
    /** Encoding the MP4 and the poster. */
    write: seconds,
    upload: seconds,
    total: seconds,
  }),
  comparison: comparison.nullable(),
  prompt: z.object({
    tokens: z.int().nonnegative(),
    is_truncated: z.boolean(),
    is_negative_truncated: z.boolean(),
  }),
  video: z.object({
    bytes: z.int().positive(),
    sha256: z.string(),
    encoder: z.string(),
  }),
  attempt: z.int().positive(),
  /** The execution provider that ran the graphs. */
  provider: z.string(),
  /** Precision of products in the transformer's blocks; receipts from before there was a choice lack it. */
  precision: z.enum(["float32", "float16"]).optional(),
  versions: z.record(z.string(), z.string()),
  /** SHA-256 of every file that decides what the model computes. */
  weights: z.record(z.string(), z.string()),
});

export type Receipt = z.infer<typeof receiptSchema>;
