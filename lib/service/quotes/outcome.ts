import * as z from "zod";
import { usdOf } from "./estimate.ts";
import type { Quote } from "./quote.ts";

/** Schema of what became of a quote. The API publishes it in the receipt. */
export const quoteOutcomeSchema = z.object({
  seconds: z.number().nonnegative().describe("From the request to the end."),
  cost_usd: z.number().nonnegative().nullable().describe("Price of the making; null without a price."),
  within: z
    .boolean()
    .nullable()
    .describe("Whether the seconds fell into the quoted range; null without one."),
});

export type QuoteOutcome = z.infer<typeof quoteOutcomeSchema>;

/**
 * Compares a quote with what came of it.
 *
 * @param seconds from the request to the end, and from the claims to the ends of all attempts
 */
export function outcomeOf(
  { seconds: quoted, cost }: Quote,
  seconds: { readonly total: number; readonly made: number },
): QuoteOutcome {
  return {
    seconds: seconds.total,
    cost_usd: cost && usdOf(seconds.made, cost.usd_per_hour),
    within: quoted && quoted.low <= seconds.total && seconds.total <= quoted.high,
  };
}
