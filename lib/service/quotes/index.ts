export {
  type EstimateOptions,
  estimate,
  leastSeconds,
  type Price,
  type QuotedRequest,
  RUNS_LEAST,
  usdOf,
} from "./estimate.ts";
export { type MeasuredRun, measuredRunSchema } from "./measured-run.ts";
export { outcomeOf, type QuoteOutcome, quoteOutcomeSchema } from "./outcome.ts";
export { type Quote, quoteSchema, type Range } from "./quote.ts";
export { RUNS_MAX, type RunStore, runStore, runsKey } from "./run-store.ts";
export type { StepBounds } from "./step-count.ts";
export type { Waiting } from "./waiting.ts";
