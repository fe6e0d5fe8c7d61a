import { resolvedRequestSchema, runFacts } from "../../../../lib/generation/request/index.ts";
import type { JobRecord } from "../../../../lib/service/jobs/index.ts";
import { estimate, type MeasuredRun, type Quote } from "../../../../lib/service/quotes/index.ts";
import { quotedRequest } from "../../quote-video.ts";
import type { VideoQuote } from "../../schemas/quote.ts";

/** Makes the quote of the sample video, from six runs that took what its receipt says. */
export function sampleQuoteOf({ params, createdAt }: JobRecord, basis: "measured" | "unmeasured"): Quote {
  const wanted = quotedRequest(resolvedRequestSchema.parse(params), undefined, false);
  const { width, height, frames, isGuided, steps, policy } = wanted;
  const runs = [1, 0.97, 1.06, 0.99, 1.02, 0.95].map(
    (pace, index): MeasuredRun => ({
      at: createdAt - (10 - index) * 60_000,
      ...{ width, height, frames, isGuided, steps, policy },
      evaluations: steps,
      computed: 11 + (index % 3),
      isCompared: false,
      isAudited: false,
      worker: "sample",
      isCold: index === 0,
      seconds: {
        load: index === 0 ? 1.65 : 0,
        encode: 0.01,
        decode: 0.18 * pace,
        write: 0.51 * pace,
        upload: 0.04,
        make: (index === 0 ? 2.87 : 1.22) * pace,
        computedStep: 0.039 * pace,
        reusedStep: 0.001,
        wait: 0.09,
      },
      ahead: 0,
    }),
  );
  return estimate(wanted, {
    runs: basis === "measured" ? runs : [],
    waiting: { ahead: 0, workers: { least: 1, most: 1 }, isAtZero: false, coldStart: null },
    price: { usdPerHour: 2.8, usdPerHourMost: 3.76, source: "list" },
    now: createdAt,
    counted: 1000,
  });
}

/** Makes the API's answer with that quote. */
export function sampleQuote(record: JobRecord, basis: "measured" | "unmeasured"): VideoQuote {
  const quote = sampleQuoteOf(record, basis);
  return {
    object: "video.quote",
    model: runFacts(resolvedRequestSchema.parse(record.params)).model,
    ...quote,
    spending: null,
  };
}
