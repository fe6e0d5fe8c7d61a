import * as z from "zod";
import { quoteOutcomeSchema, quoteSchema } from "../quotes/index.ts";

const seconds = z.number().nonnegative();

/**
 * Computed denoising step: its 1-based number, and the columns that its caching policy wrote. Null is an unknown value.
 * Receipts of earlier versions also have nulls for the columns of other policies.
 */
const computedStep = z.object({ step: z.int().positive() }).catchall(z.number().nullable());

/** Comparison with the same video without cache, made in the same job. */
const comparison = z.object({
  /** PSNR in dB over all decoded frames; null if no pixel differs. */
  psnr: z.number().nullable(),
  ssim: z.number(),
  denoise_seconds: seconds,
  /** Denoising time without cache divided by denoising time with cache, both measured. */
  speedup: z.number().positive(),
});

/** Promise that the request asked for, what was predicted of it, and what came true. */
const promise = z.object({
  asked: z
    .union([
      z.object({ at_least_db: z.number() }),
      z.object({ at_most_seconds: z.number() }),
      z.object({ computed_steps: z.int() }),
    ])
    .describe(
      "PSNR in dB against the video without cache of the same seed, seconds of encode, denoise and decode, or computed steps.",
    ),
  predicted_db: z.number().nullable().describe("PSNR in dB that was predicted; null if it was not."),
  predicted_seconds: seconds.nullable().describe("Seconds that were predicted; null if they were not."),
  audited_db: z.number().nullable().describe("PSNR in dB that an audit measured; null without one."),
  kept: z.boolean().nullable().describe("Whether the promise was kept; null if nobody measured it."),
});

/** LoRA file that changed a transformer, with the number of its changes by kind. */
const lora = z.object({
  name: z.string(),
  file: z.string(),
  sha256: z.string(),
  scale: z.number(),
  transformer: z.int().positive(),
  low_rank: z.int().nonnegative().describe("Pairs of low-rank matrices."),
  differences: z.int().nonnegative().describe("Differences of whole weights, those of biases apart."),
  biases: z.int().nonnegative(),
  left_out: z.int().nonnegative().describe("Entries for an image branch that the model does not have."),
});

/** Mark and signature of a video's file. */
const provenance = z.object({
  kind: z
    .enum(["c2pa", "mark", "none"])
    .describe("`c2pa` for signed Content Credentials, with the mark; `mark` for IPTC metadata alone."),
  signer: z.string().nullable().describe("Name in the signer's certificate; null without a signature."),
  is_development: z
    .boolean()
    .describe(
      "Whether the deployment made the certificate for itself, so that nobody vouches for the signer.",
    ),
  unsigned_sha256: z.string().describe("SHA-256 of the file before it was signed."),
  note: z
    .string()
    .nullable()
    .describe("Why there is no signature although the deployment signs its videos; null otherwise."),
});

/**
 * Compute receipt of a video: its computed and reused steps, and the time of each stage. The API publishes it exactly
 * as it is stored, so its fields are named as in the API.
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
    /** 1-based indices of evaluations of the model. */
    computed_indices: z.array(z.int().positive()),
    reused_indices: z.array(z.int().positive()),
  }),
  schedule: z.array(computedStep),
  /** Caching policy and its options. */
  cache: z.looseObject({ policy: z.string() }),
  promise: promise
    .nullable()
    .optional()
    .describe(
      "What was promised, and what came of it; null without a promise. Receipts of earlier versions lack it.",
    ),
  loras: z
    .array(lora)
    .optional()
    .describe("LoRA files that changed the transformers. Receipts of earlier versions lack them."),
  notes: z
    .array(z.string())
    .optional()
    .describe("Sentences about the run for the user. Receipts of earlier versions lack them."),
  /**
   * Estimated speedup: the number of steps times the median time of a computed step, divided by the measured denoising
   * time.
   */
  speedup: z.number().positive(),
  seconds: z.object({
    /** Time from the request to the worker's start. */
    queue: seconds,
    load: seconds,
    encode: seconds,
    denoise: seconds,
    decode: seconds,
    /** Time to encode the MP4 and the poster. */
    write: seconds,
    upload: seconds,
    total: seconds,
  }),
  quote: quoteSchema
    .pick({ basis: true, seconds: true, cost: true })
    .extend({ outcome: quoteOutcomeSchema })
    .nullable()
    .optional()
    .describe(
      "Quote that was made at the request, and what came of it; null without one. Receipts of earlier versions lack it.",
    ),
  comparison: comparison.nullable(),
  prompt: z.object({
    tokens: z.int().nonnegative(),
    is_truncated: z.boolean(),
    is_negative_truncated: z.boolean(),
    read: z
      .string()
      .nullable()
      .optional()
      .describe(
        "Text that the model read in place of the prompt, rewritten like the captions of its training; null if it read " +
          "the prompt as it is. Receipts of earlier versions lack it.",
      ),
    negative_read: z.string().nullable().optional().describe("The same for the negative prompt."),
  }),
  unknown_words: z
    .array(z.string())
    .optional()
    .describe(
      "Words of the prompt and the negative prompt that the model has not learnt, so that they have no meaning in the " +
        "video: each once, as written. Empty for a model that may understand any word. Receipts of earlier versions " +
        "lack it.",
    ),
  pictures: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      "SHA-256 of the pictures that the video was made of, by the fields that gave them. Receipts of earlier versions lack it.",
    ),
  video: z.object({
    bytes: z.int().positive(),
    sha256: z.string(),
    encoder: z.string(),
  }),
  provenance: provenance
    .optional()
    .describe("How the video's file says where it comes from. Receipts of earlier versions lack it."),
  attempt: z.int().positive(),
  /** Execution provider that ran the graphs. */
  provider: z.string(),
  /** Precision of the matrix products in the transformer's blocks. Receipts of earlier versions lack it. */
  precision: z.enum(["float32", "float16", "int8"]).optional(),
  versions: z.record(z.string(), z.string()),
  /** SHA-256 of every file that determines the model's output. */
  weights: z.record(z.string(), z.string()),
});

export type Receipt = z.infer<typeof receiptSchema>;
