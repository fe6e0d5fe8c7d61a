/**
 * Guidance gate (FastVideo, pull request 1372, `FASTVIDEO_CFG_GATE_STEP`; SGLang, pull request 25848,
 * `--cfg-gate-step`): from a share of the steps on, the conditional half alone is computed, and the difference between
 * the halves is that of the last whole step. It is the linear form of Adaptive Guidance (arXiv 2312.12487).
 *
 * The two agree: the gate is at floor(N * share), a change of the transformer asks for a whole step, and the default
 * is 1, which gates nothing. Both publish 0.5. The paper fits an affine map of past differences where they keep the
 * last.
 */
import { assertBetween, assertCount, type Rule, ruleOf } from "./rule.ts";

export interface GuidanceGateOptions {
  /** Number of evaluations of the model, which is more than the denoising steps for some samplers. */
  readonly steps: number;
  /** Share of the steps that are computed whole, 0 to 1. */
  readonly share: number;
}

/** Share that FastVideo and SGLang measured. */
export const GUIDANCE_GATE = { share: 0.5 } as const;

/**
 * Starts the gate. `compute` means a whole step; at others the conditional half is computed, and the weights are those
 * of the kept differences between the halves.
 */
export function guidanceGate({ steps, share }: GuidanceGateOptions): Rule<void> {
  assertCount("steps", steps, 1);
  assertBetween("share", share, 0, 1);
  const gate = Math.floor(steps * share);
  return ruleOf<boolean, void, void>(false, {
    ask: (isKept, step) => ({ compute: step < gate || !isKept, memory: isKept }),
    tell: () => true,
  });
}
