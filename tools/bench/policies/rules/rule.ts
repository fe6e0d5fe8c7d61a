/** Shape of a decision rule without tensors: numbers in, a decision and the weights of a predictor out. */

/** Decision about one step. */
export interface Decision<Before, After> {
  /** True to compute the step. */
  readonly compute: boolean;
  /**
   * Weights of the values kept from computed steps, the newest first: their weighted sum stands in for the value of
   * this step. Empty at a computed step. `[1]` is plain reuse of the newest.
   */
  readonly weights: readonly number[];
  readonly next: Rule<Before, After>;
}

/**
 * Decision rule of one generation. It is immutable: `ask` and `tell` return the next state and change nothing, so that
 * recorded signals can be replayed.
 */
export interface Rule<Before, After = void> {
  /**
   * Decides whether a step is computed. Called once for every step, in order.
   *
   * @param step  0-based
   * @param before  what may be known before the step is computed
   */
  ask(step: number, before: Before): Decision<Before, After>;
  /** Records a computed step. Called after an `ask` that was answered with `compute`, and after no other. */
  tell(step: number, after: After): Rule<Before, After>;
}

/** Pure functions that make a rule of a memory. */
export interface RuleParts<Memory, Before, After> {
  ask(
    memory: Memory,
    step: number,
    before: Before,
  ): {
    readonly compute: boolean;
    /** Weights of a reused step; `[1]` where there are none. */
    readonly weights?: readonly number[];
    readonly memory: Memory;
  };
  tell(memory: Memory, step: number, after: After): Memory;
}

const NO_WEIGHTS: readonly number[] = [];
const NEWEST: readonly number[] = [1];

/** Returns the rule whose state is `memory`. */
export function ruleOf<Memory, Before, After>(
  memory: Memory,
  parts: RuleParts<Memory, Before, After>,
): Rule<Before, After> {
  return {
    ask(step, before) {
      const { compute, weights = NEWEST, memory: after } = parts.ask(memory, step, before);
      return { compute, weights: compute ? NO_WEIGHTS : weights, next: ruleOf(after, parts) };
    },
    tell(step, after) {
      return ruleOf(parts.tell(memory, step, after), parts);
    },
  };
}

/**
 * Adds a distance to those since the last computed step. A step is computed when the total is no longer below the
 * threshold, and the total then begins anew at 0. NaN is below no threshold.
 */
export function accumulate(
  total: number,
  distance: number,
  threshold: number,
): { readonly compute: boolean; readonly total: number } {
  const sum = total + distance;
  const compute = !(sum < threshold);
  return { compute, total: compute ? 0 : sum };
}

/** Returns the newest `count` computed steps, the newest first, after one more. */
export function keepNewest(kept: readonly number[], step: number, count: number): readonly number[] {
  return [step, ...kept].slice(0, count);
}

/** @throws RangeError if the value is not a whole number of at least `least` */
export function assertCount(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${name} has to be a whole number of at least ${least}, got ${value}`);
  }
}

/** @throws RangeError if the value is not a number between the bounds */
export function assertBetween(name: string, value: number, least: number, most = Infinity): void {
  if (!(value >= least && value <= most)) {
    const bounds = most === Infinity ? `at least ${least}` : `${least} to ${most}`;
    throw new RangeError(`${name} has to be ${bounds}, got ${value}`);
  }
}
