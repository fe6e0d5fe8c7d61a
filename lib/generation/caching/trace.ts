/** The record of a schedule: what `generate --trace` writes. */
import type { MotionRegularisation } from "./motion.ts";
import type { CachePolicy, Decision } from "./policy.ts";

/** One denoising step of a schedule; every number of a reused step is null. */
export interface TraceStep extends Decision {
  /** 1-based. */
  readonly step: number;
  readonly computed: boolean;
}

export interface CacheTrace {
  readonly model: string;
  readonly steps: number;
  readonly cache: string;
  /** The last row's `below` is null: JSON has no Infinity. Null for a policy without a codebook. */
  readonly codebook: readonly { readonly below: number | null; readonly rate: number }[] | null;
  readonly motion: MotionRegularisation | null;
  /** Denoising steps at the start that were computed whatever they measured. */
  readonly warmup: number;
  readonly schedule: readonly TraceStep[];
}

const REUSED: Decision = { change: null, motionScore: null, motionFactor: null, distance: null, rate: null };

/**
 * The trace line of one denoising step.
 *
 * @param denoisingStep 0-based
 * @param decision of the computed step; null for a reused one
 */
export function traceStep(denoisingStep: number, decision: Decision | null): TraceStep {
  return { step: denoisingStep + 1, computed: decision !== null, ...(decision ?? REUSED) };
}

/** The whole trace, ready for JSON. Its codebook, motion and warm-up, as they stand, are a valid codebook file. */
export function cacheTrace(model: string, policy: CachePolicy, schedule: readonly TraceStep[]): CacheTrace {
  return {
    model,
    steps: schedule.length,
    cache: policy.name,
    codebook:
      policy.codebook?.map(({ below, rate }) => ({ below: below === Infinity ? null : below, rate })) ?? null,
    motion: policy.motion,
    warmup: policy.warmup,
    schedule,
  };
}
