/**
 * Rule that EasyCache and NaviCache share: the change of the latent, times how strongly the prediction follows it,
 * foretells the change of the prediction. No block is run to decide.
 *
 * Both decide on the conditional half alone, and keep `prediction - latent` of the last computed step: a reused
 * prediction is the latent plus that. They are two predictors: adding the trunk's residual to the embedded latent is
 * another, since the model's head sees the new timestep.
 */
import { accumulate, assertBetween, assertCount, type Rule, ruleOf } from "./rule.ts";

export interface InputChangeOptions {
  /** Number of denoising steps. */
  readonly steps: number;
  readonly threshold: number;
  /** Number of first steps that are always computed, at least 1. */
  readonly first: number;
  /** Number of last steps that are always computed. */
  readonly last: number;
}

export interface InputChangeSignal {
  /** Mean |x - x'|, x' being the latent of the step before, computed or not; null at the first. */
  readonly latentChange: number | null;
}

export interface OutputChangeSignal {
  /** Mean |v| of the prediction. */
  readonly size: number;
  /** Mean |v - v'|, v' being the prediction of the last computed step; null at the first. */
  readonly change: number | null;
  /** Mean |x - x'|, x' being the latent of the last computed step; null at the first. */
  readonly latentChange: number | null;
}

/** Estimate of the ratio: change of the prediction per change of the latent. Immutable. */
export interface RatioEstimate {
  /** Null until a ratio was measured. */
  readonly ratio: number | null;
  /** Returns the estimate after one more measurement. */
  measure(change: number, latentChange: number, isFirstSteps: boolean): RatioEstimate;
}

interface Memory {
  readonly total: number;
  readonly size: number | null;
  readonly estimate: RatioEstimate;
}

/** Starts the rule with an estimate that has measured nothing. */
export function inputChangeRule(
  { steps, threshold, first, last }: InputChangeOptions,
  estimate: RatioEstimate,
): Rule<InputChangeSignal, OutputChangeSignal> {
  assertCount("steps", steps, 1);
  assertCount("first", first, 1);
  assertCount("last", last, 0);
  assertBetween("threshold", threshold, 0);
  return ruleOf<Memory, InputChangeSignal, OutputChangeSignal>(
    { total: 0, size: null, estimate },
    {
      ask(memory, step, { latentChange }) {
        const { ratio } = memory.estimate;
        if (
          step < first ||
          step >= steps - last ||
          ratio === null ||
          memory.size === null ||
          latentChange === null
        ) {
          return { compute: true, memory: { ...memory, total: 0 } };
        }
        const { compute, total } = accumulate(memory.total, ratio * (latentChange / memory.size), threshold);
        return { compute, memory: { ...memory, total } };
      },
      tell(memory, step, { size, change, latentChange }) {
        const isMeasured = change !== null && latentChange !== null;
        return {
          ...memory,
          size,
          estimate: isMeasured
            ? memory.estimate.measure(change, latentChange, step < first)
            : memory.estimate,
        };
      },
    },
  );
}
