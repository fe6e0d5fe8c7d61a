import * as z from "zod";
import { quoteSchema } from "../../../lib/service/quotes/index.ts";

/** Schema of the answer to POST /v1/videos/quote. */
export const videoQuoteSchema = z
  .object({ object: z.literal("video.quote"), model: z.string(), ...quoteSchema.shape })
  .meta({ id: "VideoQuote" });

export type VideoQuote = z.infer<typeof videoQuoteSchema>;
