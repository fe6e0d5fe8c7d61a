/** Least and largest limit of a day in US dollars. */
const LIMIT_MIN = 0.01;
const LIMIT_MAX = 1_000_000;

/**
 * Reads the limit of a day as people write it: `20usd`, `20` or `0.5usd`.
 *
 * @throws RangeError in one sentence that says what to write
 */
export function limitInText(text: string): number {
  const [, digits] = /^\s*(\d{1,7}(?:\.\d{1,6})?)\s*(?:usd|\$)?\s*$/i.exec(text) ?? [];
  const limit = Number(digits);
  if (digits === undefined || limit < LIMIT_MIN || limit > LIMIT_MAX) {
    throw new RangeError(
      `--per-day is ${JSON.stringify(text)}: write US dollars from ${LIMIT_MIN} to ${LIMIT_MAX}, such as 20usd or 0.5.`,
    );
  }
  return limit;
}
