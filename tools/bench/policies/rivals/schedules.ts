import { REFERENCE_DAMPING } from "../calibrate.ts";
import { dampedWeights } from "../forecast.ts";
import type { Rival, RivalRun, RivalSetting } from "../rival.ts";
import { fixedSchedule, planSchedule } from "../rules/fixed-schedule.ts";
import { MAGCACHE_WAN, magCache } from "../rules/magcache.ts";
import type { Rule } from "../rules/rule.ts";
import { SPECTRUM, SPECTRUM_FAST, spectrum } from "../rules/spectrum.ts";
import { TAYLORSEER_WAN, taylorSeer } from "../rules/taylorseer.ts";
import { sharesOf } from "../shares.ts";
import { residualRun } from "./residual-run.ts";
import { settingsOf } from "./setting.ts";

/** Policies whose schedule is known before the video: nothing of it is measured. */

export const magCacheRival: Rival = {
  name: "MagCache",
  source:
    "arXiv 2506.09045 and Zehong-Ma/MagCache, the form for Wan 2.1; ratios of one calibration prompt, both halves together",
  role: "rival",
  needs: ["magnitudeRatios"],
  settings: () => [
    { ...magCacheSetting(0.12, 2), isDefault: true },
    { ...magCacheSetting(0.12, 4), isDefault: true },
    { ...magCacheSetting(0.24, 6), everywhere: true },
  ],
};

function magCacheSetting(threshold: number, maxConsecutive: number): RivalSetting {
  return {
    label: `${threshold} K${maxConsecutive}`,
    start: ({ calibration: { magnitudeRatios: ratios } }) =>
      follow(magCache({ ...MAGCACHE_WAN, ratios, threshold, maxConsecutive }), 1),
  };
}

export const taylorSeerRival = (order: 1 | 2): Rival => ({
  name: `TaylorSeer, order ${order}`,
  source: `arXiv 2503.06923 and Shenyi-Z/TaylorSeer, the authors' form for Wan 2.1, on the residual of all blocks`,
  role: "rival",
  settings: () =>
    settingsOf(
      { values: order === 1 ? [2, 3, 4, 5] : [2, 3, 4], defaults: [5], everywhere: [2, 3] },
      (interval) => follow(taylorSeer({ ...TAYLORSEER_WAN, interval, order }), order + 1),
      "interval ",
    ),
});

export const spectrumRival: Rival = {
  name: "Spectrum",
  source:
    "arXiv 2603.01623 and hanjq17/Spectrum with the paper's settings; the residual of all blocks is forecast, not the stream",
  role: "rival",
  settings: () => [
    ...settingsOf({ values: [0.25] }, (growth, { steps }) =>
      follow(spectrum({ ...SPECTRUM, growth, steps }), Infinity),
    ),
    ...settingsOf({ values: [SPECTRUM.growth], defaults: [SPECTRUM.growth] }, (growth, { steps }) =>
      follow(spectrum({ ...SPECTRUM, growth, steps }), Infinity),
    ),
    ...settingsOf({ values: [SPECTRUM_FAST.growth], defaults: [SPECTRUM_FAST.growth] }, (growth, { steps }) =>
      follow(spectrum({ ...SPECTRUM_FAST, growth, steps }), Infinity),
    ),
  ],
};

/** Computed steps of the offline reference, of 30. */
const COMPUTED = [17, 13, 10, 8, 7];

export const offlineReference: Rival = {
  name: "offline schedule",
  source:
    "dynamic programming over the damage of skipping, measured on the calibration prompts (after GCache and LeMiCa), " +
    "with the damped forecast of order 1",
  role: "reference",
  needs: ["damage"],
  settings: (steps) =>
    settingsOf(
      { values: sharesOf(COMPUTED, steps), everywhere: sharesOf(COMPUTED, steps) },
      (computed, { calibration }) =>
        follow(fixedSchedule(planSchedule(calibration.damage, computed)), 2, (kept, at) =>
          dampedWeights(kept, at, REFERENCE_DAMPING),
        ),
      "K",
    ),
};

function follow(
  rule: Rule<void>,
  keep: number,
  weights?: (kept: readonly number[], at: number) => readonly number[],
): RivalRun {
  const nothing = () => undefined;
  return residualRun({ rule, keep, before: nothing, after: nothing, ...(weights && { weights }) });
}
