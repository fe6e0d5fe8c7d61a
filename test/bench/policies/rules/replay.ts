import type { Rule } from "../../../../tools/bench/policies/rules/rule.ts";

export interface Replayed {
  /** Computed steps, 0-based. */
  readonly computed: number[];
  /** Weights of each reused step, by step. */
  readonly weights: Map<number, readonly number[]>;
}

/** Asks a rule about every step of a generation, and tells it the computed ones. */
export function replay<Before, After>(
  rule: Rule<Before, After>,
  steps: number,
  signals: {
    /** Signal before a step, and what was computed by then, the newest first. */
    readonly before: (step: number, computed: readonly number[]) => Before;
    readonly after: (step: number, computed: readonly number[]) => After;
  },
): Replayed {
  const computed: number[] = [];
  const weights = new Map<number, readonly number[]>();
  let state = rule;
  for (let step = 0; step < steps; step++) {
    const newestFirst = computed.toReversed();
    const decision = state.ask(step, signals.before(step, newestFirst));
    state = decision.next;
    if (decision.compute) {
      state = state.tell(step, signals.after(step, newestFirst));
      computed.push(step);
    } else {
      weights.set(step, decision.weights);
    }
  }
  return { computed, weights };
}

/** Replays a rule that measures nothing. */
export function replayBlind(rule: Rule<void>, steps: number): Replayed {
  return replay(rule, steps, { before: () => undefined, after: () => undefined });
}
