import { PLAIN_QUOTES, type QuoteSettings } from "../api/quotes.ts";
import type { LocalConfig } from "./config.ts";

/**
 * Returns what the quotes of a service rest on. Where several workers share the machine, a video costs its part of the
 * price, and at most all of it, when no other is made. Workers elsewhere are not known here: they count as one.
 *
 * @param now milliseconds since 1970
 */
export function quoteSettings(
  { workers, pricePerHour }: Pick<LocalConfig, "workers" | "pricePerHour">,
  now: number,
): QuoteSettings {
  const count = Math.max(1, workers);
  return {
    ...PLAIN_QUOTES,
    price:
      pricePerHour === null
        ? null
        : { usdPerHour: pricePerHour / count, usdPerHourMost: pricePerHour, source: "setting" },
    workers: { least: count, most: count },
    workerSince: now,
  };
}
