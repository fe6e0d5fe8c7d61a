import type { Rival, RivalContext, RivalRun } from "../rival.ts";
import { seaFilter } from "../rules/sea-filter.ts";
import { SEACACHE_DIFFUSERS, seaCache } from "../rules/seacache.ts";
import { residualRun } from "./residual-run.ts";
import { settingsOf } from "./setting.ts";

const FILTER =
  "the latent filtered with one gain for each axis, at most 2 steps reused in a row, as in diffusers 0.42.1, sigma being that of a flow";

export const seaCacheLinear: Rival = {
  name: "SeaCache, order 1",
  source: `arXiv 2602.18993; ${FILTER}`,
  role: "rival",
  settings: () =>
    settingsOf(
      { values: [0.15, 0.25, 0.5, 1], defaults: [0.25], everywhere: [0.15, 0.5] },
      (threshold, context) => watch(1, threshold, context),
    ),
};

export const seaCachePlain: Rival = {
  name: "SeaCache, order 0",
  source: `the same without a forecast, as in the paper; ${FILTER}`,
  role: "rival",
  settings: () =>
    settingsOf({ values: [0.15, 0.25, 1], defaults: [0.25], everywhere: [0.15, 1] }, (threshold, context) =>
      watch(0, threshold, context),
    ),
};

/** Timestep of pure noise. */
const NOISE = 1000;

function watch(order: 0 | 1, threshold: number, { steps, timesteps, latent: shape }: RivalContext): RivalRun {
  const axes = [shape.channels, shape.frames, shape.height, shape.width] as const;
  let before: Float64Array | null = null;
  return residualRun({
    rule: seaCache({ ...SEACACHE_DIFFUSERS, steps, order, threshold }),
    keep: 2,
    before({ index, latent }) {
      const filtered = seaFilter(latent, axes, timesteps[index]! / NOISE);
      const distance = before && distanceOf(before, filtered);
      before = filtered;
      return { distance };
    },
    after: () => undefined,
  });
}

function distanceOf(before: Float64Array, now: Float64Array): number {
  let [change, size] = [0, 0];
  for (let i = 0; i < now.length; i++) {
    change += Math.abs(now[i]! - before[i]!);
    size += Math.abs(before[i]!);
  }
  return change / size;
}
