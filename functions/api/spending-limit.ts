import type { Principal } from "../../lib/service/keys/index.ts";
import { type Price, type Quote, usdOf } from "../../lib/service/quotes/index.ts";
import type { ApiDeps } from "./env.ts";
import { ApiError } from "./problem.ts";
import type { VideoQuote } from "./schemas/quote.ts";
import { unixSeconds } from "./views/video.ts";

type SpendingDeps = Pick<ApiDeps, "keys" | "spending" | "quotes">;

export interface ReservedVideo {
  readonly principal: Principal;
  readonly id: string;
  readonly quote: Quote | null;
  readonly timeoutSeconds: number;
}

/**
 * Sets aside what a video may cost, if its API key has a limit.
 *
 * @throws ApiError if the limit does not cover it, or if the price of a machine is not known
 */
export async function reserve(
  { keys, spending, quotes }: SpendingDeps,
  { principal, id, quote, timeoutSeconds }: ReservedVideo,
): Promise<void> {
  const limitUsd = await keys.limitOf(principal.keyId);
  if (limitUsd === null) return;
  const { price } = quotes.settings;
  if (price === null) throw priceUnknown(limitUsd);
  const usd = mostUsd(price, quote, timeoutSeconds);
  const video = { id, usd, usdPerHour: price.usdPerHour };
  const reserved = await spending.reserve({ ...principal, limitUsd }, video);
  if (!reserved.ok) throw limitReached({ limitUsd, usd, ...reserved });
}

/** Says what is left of the day of an API key; null if it has no limit. */
export async function spendingTold(
  { keys, spending }: Pick<SpendingDeps, "keys" | "spending">,
  principal: Principal,
): Promise<VideoQuote["spending"]> {
  const limitUsd = await keys.limitOf(principal.keyId);
  if (limitUsd === null) return null;
  const { leftUsd, endsAt } = await spending.left({ ...principal, limitUsd });
  return { usd_per_day: limitUsd, usd_left: leftUsd, ends_at: unixSeconds(endsAt) };
}

/**
 * Returns the most that is set aside for a video: the upper end of its quote, or without one what its whole timeout
 * would cost, since no video is made for longer.
 */
function mostUsd({ usdPerHourMost }: Price, quote: Quote | null, timeoutSeconds: number): number {
  const whole = usdOf(timeoutSeconds, usdPerHourMost);
  return Math.min(whole, quote?.cost?.usd.high ?? whole);
}

export function priceUnknown(limitUsd: number): ApiError {
  return new ApiError(
    "price_unknown",
    `This key may spend ${limitUsd} USD a day, and the price of this machine is not known: ask the operator to start ` +
      "the service with PRICE_PER_HOUR.",
  );
}

export interface Exceeded {
  readonly limitUsd: number;
  readonly leftUsd: number;
  readonly usd: number;
  readonly endsAt: number;
}

export function limitReached({ limitUsd, leftUsd, usd, endsAt }: Exceeded): ApiError {
  const ends = new Date(endsAt).toISOString().replace(".000Z", "Z");
  return new ApiError(
    "spending_limit_reached",
    `This key may spend ${limitUsd} USD a day and has ${dollars(Math.floor(leftUsd * 1e4) / 1e4)} USD left until ` +
      `${ends}; this video may cost up to ${dollars(Math.ceil(usd * 1e4) / 1e4)} USD.`,
  );
}

/** Writes an amount with two to four digits after the point. */
function dollars(usd: number): string {
  return usd.toFixed(4).replace(/0{1,2}$/, "");
}
