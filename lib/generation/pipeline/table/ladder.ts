import { budgetOfDamage, type ErrorTable, type Ladder } from "../../caching/index.ts";
import type { ResolvedRequest } from "../../request/index.ts";
import { psnr } from "../../video/index.ts";
import type { WatchedVideos } from "./watched-videos.ts";

/** Budgets of the rungs, in dB. */
export const BUDGETS: readonly number[] = Array.from({ length: 11 }, (_, i) => 22 + 3 * i);

/** Stands for identical videos, whose PSNR is infinite. */
const PSNR_MAX = 100;

/** Qualities and computed steps of one video, for each of the budgets. */
export type VideoRungs = readonly { readonly psnr: number; readonly computed: number }[];

/** Makes a video without cache and with each of the budgets, and compares them. */
export async function measureRungs(
  videos: WatchedVideos,
  request: ResolvedRequest,
  table: ErrorTable,
): Promise<VideoRungs> {
  const { frames } = await videos.plain(request);
  const rungs: { psnr: number; computed: number }[] = [];
  for (const budget of BUDGETS) {
    const cached = await videos.cached(request, budgetOfDamage(table, budget));
    rungs.push({
      psnr: Math.min(PSNR_MAX, psnr(frames, cached.frames)),
      computed: cached.trace.schedule.filter((step) => step.computed).length,
    });
  }
  return rungs;
}

/** Joins the measurements of videos of one number of steps to a ladder. */
export function ladderOf(steps: number, videos: readonly VideoRungs[]): Ladder {
  const rungs = BUDGETS.map((budget, rung) => {
    const measured = videos.map((rungsOfVideo) => rungsOfVideo[rung]!);
    return {
      budget,
      psnr: measured.map((each) => each.psnr).toSorted((a, b) => a - b),
      computed: measured.reduce((sum, { computed }) => sum + computed, 0) / measured.length,
    };
  });
  return { steps, rungs };
}
