import type { Trial } from "../../lib/generation/pipeline/index.ts";
import type { ResolvedRequest } from "../../lib/generation/request/index.ts";
import { ConfigError, hourlyPrice } from "../../lib/shared/environment.ts";

/**
 * Returns the price of this machine in US dollars for an hour, by PRICE_PER_HOUR; null if that is not set.
 *
 * @throws ConfigError if it is no price
 */
export function priceIn({ PRICE_PER_HOUR: text }: NodeJS.ProcessEnv): number | null {
  if (!text) return null;
  const parsed = hourlyPrice().safeParse(text);
  if (parsed.success) return parsed.data;
  throw new ConfigError(`PRICE_PER_HOUR ${parsed.error.issues[0]!.message}.`);
}

interface Range {
  readonly expected: number;
  readonly low: number;
  readonly high: number;
}

/** Quote of a command: what the videos of one request take on this machine. */
export interface CommandQuote {
  readonly model: string;
  readonly steps: { readonly total: number; readonly computed: Range };
  readonly seconds: Range & { readonly parts: Trial["seconds"] };
  /** US dollars; null without PRICE_PER_HOUR. */
  readonly usd: Range | null;
}

/** Part by which no two runs of a quiet machine differ more, as it is assumed of the steps that one trial has timed. */
const SPREAD = 0.25;

/** A promise of seconds may be missed by this factor. */
const PROMISE_SLACK = 1.1;

/**
 * Returns what a request takes by the times of its parts.
 *
 * @param usdPerHour null if nobody has told the price
 */
export function commandQuote(
  { model, steps, computed: { least, most }, seconds: parts, secondsMost }: Trial,
  { compare, audit }: Pick<ResolvedRequest, "compare" | "audit">,
  usdPerHour: number | null,
): CommandQuote {
  const { load, encode, computed, reused, decode } = parts;
  const of = (count: number) => encode + count * computed + (steps - count) * reused + decode;
  const promised = (seconds: number) =>
    Math.min(seconds, secondsMost === null ? Infinity : secondsMost * PROMISE_SLACK);
  const whole = compare || audit ? of(steps) : 0;
  const at = (count: number, factor: number) => (load + whole) * factor + promised(of(count) * factor);
  const middle = (least + most) / 2;
  const seconds = { expected: at(middle, 1), low: at(least, 1 - SPREAD), high: at(most, 1 + SPREAD) };
  const usd = usdPerHour === null ? null : mapped(seconds, (value) => (value * usdPerHour) / 3600);
  return {
    model,
    steps: { total: steps, computed: { expected: middle, low: least, high: most } },
    seconds: { ...seconds, parts },
    usd,
  };
}

function mapped({ expected, low, high }: Range, change: (value: number) => number): Range {
  return { expected: change(expected), low: change(low), high: change(high) };
}

/** Formats the quote for people. */
export function quoteText({ model, steps, seconds, usd }: CommandQuote): string {
  const { total, computed } = steps;
  const counted =
    computed.low === computed.high
      ? `${computed.low} of ${total} steps computed`
      : `${computed.low} to ${computed.high} of ${total} steps computed, which this cache setting decides while it runs`;
  const { load, encode, computed: step, reused, decode } = seconds.parts;
  const price = usd === null ? [] : [`${dollars(usd.low)} to ${dollars(usd.high)} USD at PRICE_PER_HOUR`];
  return [
    `about ${brief(seconds.expected)} s, ${brief(seconds.low)} to ${brief(seconds.high)} s, on this machine with ${model}`,
    counted,
    `timed: open ${brief(load)} s, encode ${brief(encode)} s, a computed step ${brief(step)} s, a reused step ` +
      `${brief(reused)} s, decode ${brief(decode)} s; writing the file is not in it`,
    ...price,
    "no video was made",
  ]
    .map((line) => `${line}\n`)
    .join("");
}

function brief(seconds: number): string {
  return seconds < 0.1 ? seconds.toFixed(3) : seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0);
}

function dollars(usd: number): string {
  return usd < 0.01 ? usd.toFixed(5) : usd.toFixed(2);
}
