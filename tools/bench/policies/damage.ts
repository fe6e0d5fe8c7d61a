import { mean } from "../statistics.ts";

/** Damage that reuse does to a video, from which the offline reference plans its schedules. */

/** Number of steps whose damage is measured by a run of its own; between them it is interpolated. */
const SKIPPED_STEPS_MAX = 30;

// Prevents 0/0 for a step that is reused without any error; far below any error that float32 could tell from zero.
const TINY = 1e-30;

/** Returns the steps, from the second on, that are to be skipped alone: all, or the ends and an even share between. */
export function stepsToSkip(steps: number): number[] {
  const count = Math.min(steps - 1, SKIPPED_STEPS_MAX);
  const apart = (steps - 2) / Math.max(count - 1, 1);
  return Array.from({ length: count }, (_, index) => Math.round(1 + index * apart));
}

/**
 * Returns the damage of reusing each step by its distance to the computed step before: `damage[step][gap - 1]`, in
 * addition to that of the steps between.
 *
 * The damage of skipping one step alone is scaled by how the error of its prediction grows with the gap. The errors of
 * one gap point the same way, so that their roots add up: the sum over a gap is the square of the sum of roots.
 *
 * @param errors  root mean square errors of predictions, by step and gap - 1; a step without any cannot be reused
 * @param skipped  mean square by which the final latent moves if this step alone is reused, for some of the steps
 */
export function damageOf(
  errors: readonly (readonly number[])[],
  skipped: ReadonlyMap<number, number>,
): number[][] {
  const roots = errors.map((_, step) => Math.sqrt(interpolated(skipped, step)));
  const alone = (step: number, gap: number) => {
    const row = errors[step]!;
    return (roots[step]! * row[gap - 1]!) / Math.max(row[0]!, TINY);
  };
  return errors.map((row, step) =>
    row.map((_, index) => {
      const gap = index + 1;
      let before = 0;
      for (let k = 1; k < gap; k++) before += alone(step - gap + k, k);
      return (before + alone(step, gap)) ** 2 - before ** 2;
    }),
  );
}

/** Interpolates the logarithm between measured steps; before the first and after the last the value stays. */
function interpolated(measured: ReadonlyMap<number, number>, step: number): number {
  const known = [...measured].sort(([a], [b]) => a - b);
  const after = known.find(([at]) => at >= step);
  const before = known.findLast(([at]) => at <= step);
  if (!after || !before) return (after ?? before)?.[1] ?? 0;
  if (after[0] === before[0]) return after[1];
  const share = (step - before[0]) / (after[0] - before[0]);
  const log = (value: number) => Math.log(Math.max(value, TINY));
  return Math.exp(log(before[1]) * (1 - share) + log(after[1]) * share);
}

/** Returns the mean of tables of one shape; an empty table for none. */
export function meanTable(tables: readonly (readonly (readonly number[])[])[]): number[][] {
  const [first] = tables;
  if (!first) return [];
  return first.map((row, step) => row.map((_, gap) => mean(tables.map((table) => table[step]![gap]!))));
}
