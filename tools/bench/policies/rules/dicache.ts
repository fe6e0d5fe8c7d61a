/**
 * DiCache (arXiv 2508.17356; Bujiazi/DiCache dd7f0de): runs a probe of the first blocks at every step, accumulates its
 * change, and places a reused residual on the line through the last two by how far the probe has gone along its own.
 *
 * Three forms exist in the authors' repository. That for Wan is taken, because it has guidance in two halves as our
 * models have. They differ thus:
 *
 * | | Wan | HunyuanVideo | FLUX |
 * |---|---|---|---|
 * | first steps of N, r = 0.2 | floor(2 N r) passes, two for each step | floor(N r) | floor(N r) + 1 |
 * | a step is reused if the total is | below the threshold | at most the threshold | below the threshold |
 * | threshold | 0.08 (paper: 0.2) | 0.1 | 0.4 |
 * | gamma lies within | 1 to 2 | 1 to 1.5 | 1 to 1.5 |
 * | the last step is computed | where due | where due | always |
 *
 * More facts: Wan decides each half of guidance apart, so that a step may compute one and reuse the other; here the
 * conditional half decides. The window of two residuals grows to three before it slides, which changes nothing,
 * because only its last two are read. A gamma of at least 1 means that the forecast never stops short of the newest
 * residual.
 */
import { accumulate, assertBetween, assertCount, type Rule, ruleOf } from "./rule.ts";

export interface DiCacheOptions {
  /** Number of denoising steps. */
  readonly steps: number;
  readonly threshold: number;
  /** Share of the steps that is always computed at the beginning. */
  readonly warmupShare: number;
  /** Largest gamma, at least 1. */
  readonly gammaLimit: number;
  /** Number of last steps that are always computed. */
  readonly last: number;
}

export interface DiCacheSignal {
  /** Mean |y - y'| / mean |y'|, y being the stream after the probe, y' that of the step before; null at the first. */
  readonly change: number | null;
  /**
   * Mean |p - p_b| / mean |p_a - p_b|, p being what the probe adds, p_a and p_b the same at the newest computed step
   * and at the one before; null while one is missing.
   */
  readonly progress: number | null;
}

/** Defaults of the authors for Wan 2.1; the probe is the first block. */
export const DICACHE_WAN = { blocks: 1, threshold: 0.08, warmupShare: 0.2, gammaLimit: 2, last: 0 } as const;
/** Threshold of the paper for Wan 2.1. */
export const DICACHE_WAN_PAPER = { ...DICACHE_WAN, threshold: 0.2 } as const;

/** Starts DiCache. Its weights are those of the last two computed residuals, or of one. */
export function diCache(options: DiCacheOptions): Rule<DiCacheSignal> {
  const { steps, threshold, warmupShare, gammaLimit, last } = options;
  assertCount("steps", steps, 1);
  assertCount("last", last, 0);
  assertBetween("threshold", threshold, 0);
  assertBetween("warmupShare", warmupShare, 0, 1);
  assertBetween("gammaLimit", gammaLimit, 1);
  const passesOfWarmup = Math.floor(2 * steps * warmupShare);
  return ruleOf<number, DiCacheSignal, void>(0, {
    ask(total, step, { change, progress }) {
      if (2 * step < passesOfWarmup || step >= steps - last || change === null)
        return { compute: true, memory: 0 };
      const next = accumulate(total, change, threshold);
      return { compute: next.compute, weights: weightsOf(progress, gammaLimit), memory: next.total };
    },
    tell: (total) => total,
  });
}

function weightsOf(progress: number | null, gammaLimit: number): readonly number[] {
  // Two equal probes have no line to go along.
  if (progress === null || Number.isNaN(progress)) return [1];
  const gamma = Math.min(gammaLimit, Math.max(1, progress));
  return [gamma, 1 - gamma];
}
