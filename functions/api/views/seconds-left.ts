import type { JobRecord } from "../../../lib/service/jobs/index.ts";

/**
 * Predicts the seconds until a video is there: as its worker does once it is being made, and before that by its quote,
 * less the time since.
 *
 * @param now milliseconds since 1970
 * @returns null where nobody can tell, as after a quote that was too short, or while it waits for a second worker
 */
export function secondsLeft(
  { status, progress, quote, createdAt, attempt }: JobRecord,
  now: number,
): number | null {
  if (status === "running") return progress?.secondsLeft ?? null;
  if (status !== "queued" || attempt > 0 || !quote?.seconds) return null;
  const left = quote.seconds.expected - (now - createdAt) / 1000;
  return left > 0 ? Math.round(left * 10) / 10 : null;
}
