import * as z from "zod";
import { quoteSchema } from "../../../lib/service/quotes/index.ts";

/** Schema of the answer to POST /v1/videos/quote. */
export const videoQuoteSchema = z
  .object({
    object: z.literal("video.quote"),
    model: z.string(),
    ...quoteSchema.shape,
    spending: z
      .object({
        usd_per_day: z.number().positive(),
        usd_left: z.number().nonnegative().describe("What is set aside for videos under way is not left."),
        ends_at: z.int().describe("When the day ends, in seconds since 1970."),
      })
      .nullable()
      .describe("What is left of the API key's day; null for a key without a limit."),
  })
  .meta({ id: "VideoQuote" });

export type VideoQuote = z.infer<typeof videoQuoteSchema>;
