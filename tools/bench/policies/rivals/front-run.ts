import { weightedSum } from "../arrays.ts";
import type { Front, RivalRun, RivalStep } from "../rival.ts";
import type { Rule } from "../rules/rule.ts";

/** A computed step of a rival that runs the first blocks at every step. */
export interface FrontStep {
  readonly front: Front;
  /** Sum of what all blocks add [B, N, D]. */
  readonly residual: Float32Array;
}

export interface FrontRunOptions<Before> {
  readonly rule: Rule<Before>;
  readonly blocks: number;
  /** Number of computed steps that are kept. */
  readonly keep: number;
  /** Measures what the rule may know once the front has run; `kept` has the newest first. */
  before(front: Front, kept: readonly FrontStep[]): Before;
  /** Returns the residual of a reused step. */
  residual(front: Front, kept: readonly FrontStep[], weights: readonly number[]): Float32Array;
}

/** Runs a rule that decides on the first blocks of a step, and goes on from there where it computes. */
export function frontRun<Before>(options: FrontRunOptions<Before>): RivalRun {
  let { rule } = options;
  const kept: FrontStep[] = [];
  return {
    async step({ index, graphs }: RivalStep) {
      const front = await graphs.front(options.blocks);
      const { compute, weights, next } = rule.ask(index, options.before(front, kept));
      if (!compute && kept.length > 0) {
        rule = next;
        return graphs.reuse(options.residual(front, kept, weights));
      }
      const { prediction, residual } = await graphs.rest(options.blocks, front);
      rule = next.tell(index);
      kept.unshift({ front, residual });
      kept.length = Math.min(kept.length, options.keep);
      return prediction;
    },
  };
}

/** Returns what the front adds now plus what the blocks after it added at the last computed step. */
export function restReused({ added }: Front, kept: readonly FrontStep[]): Float32Array {
  const { front, residual } = kept[0]!;
  return weightedSum([added, residual, front.added], [1, 1, -1]);
}
