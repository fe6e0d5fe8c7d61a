import * as z from "zod";

const figure = z.number().nonnegative();

/** Expectation with a range that nine of ten outcomes should fall into. */
const rangeSchema = z.object({
  expected: figure,
  low: figure.describe("Nineteen of twenty outcomes should be above it."),
  high: figure.describe("Nineteen of twenty outcomes should be below it."),
});

export type Range = z.infer<typeof rangeSchema>;

export const QUOTE_BASES = ["measured", "scaled", "unmeasured"] as const;

/**
 * Quote of a video: what it should take, and cost, on this deployment. The API publishes it as it is stored, so its
 * fields are named as in the API.
 */
export const quoteSchema = z.object({
  basis: z
    .enum(QUOTE_BASES)
    .describe(
      "`measured` on videos of this size and length, `scaled` from those of others, or `unmeasured`: then there are no seconds.",
    ),
  runs: z.int().nonnegative().describe("Number of videos that the quote rests on."),
  seconds: rangeSchema
    .extend({
      parts: z
        .object({
          queue: figure.describe("Until the videos before it are made."),
          start: figure.describe("Until a worker takes it: at zero instances, until one has started."),
          make: figure.describe("From then on, opening the model included."),
        })
        .describe("Parts of the expected seconds."),
    })
    .nullable()
    .describe("From the request until the video can be downloaded."),
  steps: z.object({
    total: z.int().positive().describe("Evaluations of the model, computed or reused."),
    computed: rangeSchema.describe(
      "Computed ones; all three are the same where the cache setting decides it.",
    ),
  }),
  cost: z
    .object({
      usd: rangeSchema,
      usd_per_hour: z.number().positive().describe("Price of a machine."),
      price: z
        .enum(["setting", "list"])
        .describe("Where the price comes from: the operator, or the published price of the instance type."),
    })
    .nullable()
    .describe(
      "Price of the time from a worker's start to the end. Neither waiting nor a machine's idle time before it is " +
        "switched off is a video's.",
    ),
  ahead: z
    .int()
    .nonnegative()
    .nullable()
    .describe("Unfinished videos whose turn comes before; null if there are more than a thousand."),
  notes: z.array(z.string()).describe("Sentences about what the quote does not know."),
});

export type Quote = z.infer<typeof quoteSchema>;
