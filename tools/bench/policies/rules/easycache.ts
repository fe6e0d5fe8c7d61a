/**
 * EasyCache (arXiv 2507.02860; H-EmbodVis/EasyCache 5127804): accumulates `ratio * |change of x| / |v|`, the ratio
 * being that of the last computed step.
 *
 * The authors' form is taken, that of `EasyCache4Wan2.1` and `EasyCache4HunyuanVideo`, which agree. ComfyUI has a form
 * of its own (threshold 0.2 between 15 % and 95 % of the steps), which is not this one.
 *
 * Facts met in the public code:
 * - `--ret_steps` is read and never used: 10 steps are computed, whatever it says (easycache_generate.py:803 and 974).
 * - `--alpha` is never used either (easycache_generate.py:808).
 * - The help of `--thresh` promises 2x at 0.1, the text of TeaCache's; the default is 0.05
 *   (easycache_generate.py:798).
 * - The 10 first steps belong to 50; with 20 steps they are half of the video (easycache_generate.py:974).
 */
import {
  type InputChangeOptions,
  type InputChangeSignal,
  inputChangeRule,
  type OutputChangeSignal,
  type RatioEstimate,
} from "./input-change.ts";
import type { Rule } from "./rule.ts";

/** Defaults of the authors for Wan 2.1 with 50 steps. */
export const EASYCACHE_WAN = { threshold: 0.05, first: 10, last: 1 } as const;
/** Defaults of the authors for HunyuanVideo with 50 steps. */
export const EASYCACHE_HUNYUAN = { threshold: 0.025, first: 5, last: 1 } as const;

/** Starts EasyCache. */
export function easyCache(options: InputChangeOptions): Rule<InputChangeSignal, OutputChangeSignal> {
  return inputChangeRule(options, newestRatio(null));
}

function newestRatio(ratio: number | null): RatioEstimate {
  return { ratio, measure: (change, latentChange) => newestRatio(change / latentChange) };
}
