/**
 * NaviCache (arXiv 2606.26795; HelloZicky/NaviCache 3987f30): EasyCache whose ratio is tracked by a scalar Kalman
 * filter.
 *
 * `NaviCache4Wan2.1` and `NaviCache4HunyuanVideo` agree.
 *
 * Facts met in the public code:
 * - With both noises 0.05 the filter's gain is 0.95, 0.66, 0.63, ... and settles at 0.618: exponential smoothing, in
 *   which the newest ratio weighs most (follows from the recursion).
 * - Nothing uses the variance but the next gain: the threshold does not know the uncertainty (navicache_generate.py).
 * - The ratio starts at 0 and not at none, so with one step of alignment everything up to the last step is reused;
 *   here such a step is computed (`_configure_navicache`).
 * - Wan's threshold is 0.05 by default; the paper has 0.04 to 0.07 (navicache_generate.py).
 */
import {
  type InputChangeOptions,
  type InputChangeSignal,
  inputChangeRule,
  type OutputChangeSignal,
  type RatioEstimate,
} from "./input-change.ts";
import { assertBetween, type Rule } from "./rule.ts";

export interface NaviCacheOptions extends InputChangeOptions {
  /** Variance that the ratio gains between two computed steps. */
  readonly processNoise: number;
  /** Variance of a measured ratio. */
  readonly measurementNoise: number;
}

/** Defaults of the authors for Wan 2.1 with 50 steps. */
export const NAVICACHE_WAN = {
  threshold: 0.05,
  first: 10,
  last: 1,
  processNoise: 0.05,
  measurementNoise: 0.05,
} as const;
/** Defaults of the authors for HunyuanVideo with 50 steps. */
export const NAVICACHE_HUNYUAN = { ...NAVICACHE_WAN, threshold: 0.025, first: 5 } as const;

/** Guards the authors' divisions. */
const EPSILON = 1e-8;

/** Starts NaviCache. */
export function naviCache(options: NaviCacheOptions): Rule<InputChangeSignal, OutputChangeSignal> {
  assertBetween("processNoise", options.processNoise, 0);
  assertBetween("measurementNoise", options.measurementNoise, 0);
  return inputChangeRule(options, kalmanRatio(null, 1, options));
}

function kalmanRatio(ratio: number | null, variance: number, options: NaviCacheOptions): RatioEstimate {
  return {
    ratio,
    measure(change, latentChange, isFirstSteps) {
      const measured = change / (latentChange + EPSILON);
      if (ratio === null || isFirstSteps) return kalmanRatio(measured, 1, options);
      const predicted = variance + options.processNoise;
      const gain = predicted / (predicted + options.measurementNoise + EPSILON);
      return kalmanRatio(ratio + gain * (measured - ratio), (1 - gain) * predicted, options);
    },
  };
}
