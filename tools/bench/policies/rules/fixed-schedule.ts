/**
 * Schedule that is planned before a video is begun, from what reuse costs at each step: the offline reference. It is
 * the method of GCache and LeMiCa in its plainest form, with damages that add up.
 */
import { assertCount, type Rule, ruleOf } from "./rule.ts";

/**
 * Damages of reuse. `damages[step][gap - 1]` is that of reusing step `step` when the last computed one lies `gap`
 * steps before it, 1 or more. A missing number forbids it. Numbers are at least 0 and add up over a video.
 */
export type Damages = readonly (readonly number[])[];

/**
 * Plans the schedule of `computed` steps that has the smallest sum of damages. The first step is always computed.
 * Where sums are equal, the schedule that computes earlier steps first is taken.
 *
 * @returns the computed steps, ascending
 * @throws RangeError if there are not so many steps, or the damages forbid every schedule of so many
 */
export function planSchedule(damages: Damages, computed: number): number[] {
  const steps = damages.length;
  assertCount("computed", computed, 1);
  if (computed > steps) throw new RangeError(`${computed} of ${steps} steps cannot be computed`);
  if (damages.some((row) => row.some((damage) => !(damage >= 0)))) {
    throw new RangeError("a damage has to be a number of at least 0");
  }
  // costs[count][step] is the least sum from step on, if it is computed and `count` more are computed after it.
  const costs: number[][] = [];
  const nexts: number[][] = [];
  for (let count = 0; count < computed; count++) {
    costs.push([]);
    nexts.push([]);
    for (let step = 0; step < steps; step++) {
      const { cost, next } = bestAfter(damages, step, count === 0 ? null : costs[count - 1]!);
      costs[count]!.push(cost);
      nexts[count]!.push(next);
    }
  }
  if (costs[computed - 1]![0] === Infinity) {
    throw new RangeError(`the damages forbid every schedule of ${computed} computed steps`);
  }
  const schedule = [0];
  for (let count = computed - 1; count > 0; count--) schedule.push(nexts[count]![schedule.at(-1)!]!);
  return schedule;
}

/** Finds the next computed step after `step`; without costs of later ones, everything up to the end is reused. */
function bestAfter(
  damages: Damages,
  step: number,
  costsAfter: readonly number[] | null,
): { readonly cost: number; readonly next: number } {
  let best = { cost: Infinity, next: damages.length };
  let reused = 0;
  for (let next = step + 1; next <= damages.length; next++) {
    const after =
      costsAfter === null ? (next === damages.length ? 0 : Infinity) : (costsAfter[next] ?? Infinity);
    if (reused + after < best.cost) best = { cost: reused + after, next };
    reused += damages[next]?.[next - step - 1] ?? Infinity;
  }
  return best;
}

/**
 * Starts a rule that computes the planned steps.
 *
 * @throws RangeError if the first step is not among them
 */
export function fixedSchedule(computed: readonly number[]): Rule<void> {
  const planned = new Set(computed);
  if (!planned.has(0)) throw new RangeError("a schedule has to compute the first step");
  return ruleOf<null, void, void>(null, {
    ask: (memory, step) => ({ compute: planned.has(step), memory }),
    tell: (memory) => memory,
  });
}
