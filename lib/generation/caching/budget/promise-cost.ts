/** Tells what promises cost, for people who have measured a table. */
import { budgetFor, KEPT_SHARE } from "./ladder.ts";
import type { ErrorTable, Ladder } from "./table.ts";

/**
 * Returns the share of videos for which promises are kept that so many calibration videos stand behind: 95 %, or less
 * with fewer than 19.
 *
 * @see promisedPsnr
 */
export function keptShare(videos: number): number {
  const below = Math.max(1, Math.floor((videos + 1) * (1 - KEPT_SHARE)));
  return (videos + 1 - below) / (videos + 1);
}

/** Returns the mean number of computed steps that a promise in dB costs; null if the ladder cannot promise it. */
export function promiseCost(table: ErrorTable, { steps, rungs }: Ladder, decibels: number): number | null {
  const budget = budgetFor(table, steps, decibels);
  if (budget === null) return null;
  const above = rungs.findIndex((rung) => rung.budget >= budget);
  const [low, high] = [rungs[Math.max(0, above - 1)]!, rungs[above]!];
  if (low === high) return high.computed;
  const share = (budget - low.budget) / (high.budget - low.budget);
  return (1 - share) * low.computed + share * high.computed;
}
