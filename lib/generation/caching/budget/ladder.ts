/** Finds the damage that a promise in dB allows, from what damages did to the calibration videos. */
import type { ErrorTable, Ladder } from "./table.ts";

/** Share of videos for which a promise is to be kept. */
export const KEPT_SHARE = 0.95;

/**
 * Returns the PSNR in dB that a further video reaches or exceeds with a probability of 95 %: the least but so many of
 * the calibration videos, which holds whatever the distribution is, if the video is one like them. With fewer than 19
 * videos it is the least of all, and the probability is lower.
 *
 * @see Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World (2005), chapter 2: conformal prediction
 */
export function promisedPsnr(psnr: readonly number[]): number {
  const below = Math.floor((psnr.length + 1) * (1 - KEPT_SHARE));
  return psnr[Math.max(0, below - 1)]!;
}

/** Returns the highest PSNR in dB that the table can promise for a number of steps; -Infinity if it promises none. */
export function bestPromise(table: ErrorTable, steps: number): number {
  const near = nearLadders(table, steps);
  if (near.length === 0) return -Infinity;
  return Math.min(...near.map(({ ladder }) => Math.max(...promisesOf(ladder))));
}

/**
 * Returns the budget in dB that keeps a promise: the damage may be this many dB below the clean latent. Between rungs
 * and between numbers of steps it is interpolated.
 *
 * @returns null if no rung keeps the promise
 */
export function budgetFor(table: ErrorTable, steps: number, decibels: number): number | null {
  const budgets = nearLadders(table, steps).map(({ ladder, share }) => {
    const budget = crossing(ladder, promisesOf(ladder), decibels);
    return budget === null ? null : budget * share;
  });
  if (budgets.length === 0 || budgets.includes(null)) return null;
  return budgets.reduce<number>((sum, budget) => sum + budget!, 0);
}

/** Returns the median PSNR in dB of videos with such a damage in dB; null if nothing was measured. */
export function expectedPsnr(table: ErrorTable, steps: number, damage: number): number | null {
  const near = nearLadders(table, steps);
  if (near.length === 0) return null;
  return near.reduce((sum, { ladder, share }) => sum + share * medianAt(ladder, damage), 0);
}

function medianAt({ rungs }: Ladder, damage: number): number {
  const medians = rungs.map(({ psnr }) => psnr[psnr.length >> 1]!);
  const [first, last] = [rungs[0]!, rungs.at(-1)!];
  if (damage <= first.budget) return medians[0]! + damage - first.budget;
  if (damage >= last.budget) return medians.at(-1)! + damage - last.budget;
  const above = rungs.findIndex(({ budget }) => budget >= damage);
  const [low, high] = [rungs[above - 1]!, rungs[above]!];
  const share = (damage - low.budget) / (high.budget - low.budget);
  return (1 - share) * medians[above - 1]! + share * medians[above]!;
}

/** Returns the PSNR that each rung promises. A higher budget never promises less. */
function promisesOf({ rungs }: Ladder): number[] {
  let highest = -Infinity;
  return rungs.map(({ psnr }) => (highest = Math.max(highest, promisedPsnr(psnr))));
}

/** Returns the least budget whose promise is at least `decibels`; null if there is none. */
function crossing({ rungs }: Ladder, promises: readonly number[], decibels: number): number | null {
  const index = promises.findIndex((promise) => promise >= decibels);
  if (index < 0) return null;
  if (index === 0) return rungs[0]!.budget;
  const [low, high] = [promises[index - 1]!, promises[index]!];
  const share = high === low ? 1 : (decibels - low) / (high - low);
  return rungs[index - 1]!.budget + share * (rungs[index]!.budget - rungs[index - 1]!.budget);
}

/** Returns the ladders measured for the next fewer and the next more steps, with their shares. */
function nearLadders({ ladders }: ErrorTable, steps: number): { ladder: Ladder; share: number }[] {
  const sorted = ladders.toSorted((a, b) => a.steps - b.steps);
  const fewer = sorted.findLast((ladder) => ladder.steps <= steps);
  const more = sorted.find((ladder) => ladder.steps >= steps);
  if (!fewer || !more || fewer === more) {
    const only = fewer ?? more;
    return only ? [{ ladder: only, share: 1 }] : [];
  }
  const share = Math.log(steps / fewer.steps) / Math.log(more.steps / fewer.steps);
  return [
    { ladder: fewer, share: 1 - share },
    { ladder: more, share },
  ];
}
