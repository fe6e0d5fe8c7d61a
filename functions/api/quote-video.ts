import { quotedFacts, type ResolvedRequest, runFacts } from "../../lib/generation/request/index.ts";
import type { Principal } from "../../lib/service/keys/index.ts";
import {
  estimate,
  type MeasuredRun,
  type Quote,
  type QuotedRequest,
} from "../../lib/service/quotes/index.ts";
import { isAhead } from "../../lib/shared/ahead.ts";
import type { ApiDeps } from "./env.ts";
import { COUNTED_MAX } from "./queue-positions.ts";
import type { QuoteSettings } from "./quotes.ts";
import type { VideoQuote } from "./schemas/quote.ts";
import { spendingTold } from "./spending-limit.ts";

/** Order whose quote is asked for. */
export interface QuoteOrder {
  readonly principal: Principal;
  readonly params: ResolvedRequest;
}

type QuoteDeps = Pick<ApiDeps, "quotes" | "models" | "clock" | "keys" | "spending">;

/**
 * Says what a video should take, and cost, and makes nothing.
 *
 * @throws StoreError if the earlier runs or the queue cannot be read
 */
export async function quoteVideo(deps: QuoteDeps, order: QuoteOrder): Promise<VideoQuote> {
  const [quote, spending] = await Promise.all([makeQuote(deps, order), spendingTold(deps, order.principal)]);
  return { object: "video.quote", model: runFacts(order.params).model, ...quote, spending };
}

/** Makes the quote of an order, as its job's record stores it. */
export async function makeQuote(
  { quotes, models, clock }: Pick<QuoteDeps, "quotes" | "models" | "clock">,
  { principal, params }: QuoteOrder,
): Promise<Quote> {
  const { settings, positions } = quotes;
  const { model } = runFacts(params);
  const [runs, ahead] = await Promise.all([quotes.runsOf(model), positions.ahead(principal)]);
  const isAtZero = settings.zero !== null && !hasRunSince(runs, clock.now(), settings.zero.idleMs);
  const limits = models.find(({ name }) => name === model)?.limits;
  return estimate(quotedRequest(params, limits, isCold(runs, { settings, isAtZero })), {
    runs,
    waiting: { ahead, workers: settings.workers, isAtZero, coldStart: settings.zero?.coldStart ?? null },
    price: settings.price,
    now: clock.now(),
    counted: COUNTED_MAX,
  });
}

/** Returns what a quote of a request depends on. */
export function quotedRequest(
  params: ResolvedRequest,
  limits: ApiDeps["models"][number]["limits"] | undefined,
  isCold: boolean,
): QuotedRequest {
  const known = { modelSteps: limits?.steps, isDistilled: limits?.is_distilled };
  return { ...quotedFacts(params, known), isCold };
}

/** Returns whether the newest run ended within these milliseconds, or begins in the future of a clock set back. */
function hasRunSince(runs: readonly MeasuredRun[], now: number, milliseconds: number): boolean {
  const newest = runs.at(-1);
  return newest !== undefined && isAhead(newest.at + milliseconds, now, milliseconds);
}

/** Returns whether the model has to be opened: no machine runs, or its worker has made nothing yet. */
function isCold(
  runs: readonly MeasuredRun[],
  { settings, isAtZero }: { settings: QuoteSettings; isAtZero: boolean },
): boolean {
  const { workerSince } = settings;
  return isAtZero || (workerSince !== null && !((runs.at(-1)?.at ?? 0) >= workerSince));
}
