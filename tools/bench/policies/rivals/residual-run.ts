import { weightedSum } from "../arrays.ts";
import type { Computed, RivalRun, RivalStep } from "../rival.ts";
import type { Rule } from "../rules/rule.ts";

export interface ResidualRunOptions<Before, After> {
  readonly rule: Rule<Before, After>;
  /** Number of residuals that the rule's weights may ask for. */
  readonly keep: number;
  /** Measures what the rule may know before a step. */
  before(step: RivalStep): Before | Promise<Before>;
  /** Measures a computed step. */
  after(step: RivalStep, computed: Computed): After;
  /** Returns other weights than the rule's, for kept steps with the newest first. */
  weights?(kept: readonly number[], at: number): readonly number[];
}

/**
 * Runs a rule that chooses between whole steps and steps with a weighted sum of kept residuals. A step that the rule
 * would reuse before any was computed is computed.
 */
export function residualRun<Before, After>(options: ResidualRunOptions<Before, After>): RivalRun {
  let { rule } = options;
  /** Computed steps, the newest first. */
  const kept: { step: number; residual: Float32Array }[] = [];
  return {
    async step(step) {
      const { compute, weights, next } = rule.ask(step.index, await options.before(step));
      if (!compute && kept.length > 0) {
        rule = next;
        const own = options.weights?.(
          kept.map(({ step }) => step),
          step.index,
        );
        const residuals = kept.map(({ residual }) => residual);
        return step.graphs.reuse(weightedSum(residuals, own ?? weights));
      }
      const computed = await step.graphs.full();
      rule = next.tell(step.index, options.after(step, computed));
      kept.unshift({ step: step.index, residual: computed.residual });
      kept.length = Math.min(kept.length, options.keep);
      return computed.prediction;
    },
  };
}
