/** Plans which steps to compute, by the damage that the model's table expects of reusing those between. */
import { interpolatedMoments, interpolatedValues, LEAST_ERROR, type Moments } from "./kriging.ts";
import type { ErrorTable } from "./table.ts";

/** Share of the steps that one computed step may grant at most. */
const GAP_SHARE = 1 / 4;

/** Steps that one computed step may grant at most, so that a plan for a thousand steps is made quickly. */
const GAP_MAX = 32;

/** Plans that are kept for each table. */
const PLANS_MAX = 16;

/** Damage of reusing, in mean squares of the final latent relative to that of the clean latent. */
export interface Plan {
  /** Damage of reusing all steps between two computed ones; `end` is the number of steps if none follows. */
  between(start: number, end: number): number;
  /** Least damage after a computed step if `count` more steps are computed. */
  least(step: number, count: number): number;
  /** The first of these steps; the number of steps if there is none. */
  next(step: number, count: number): number;
}

const plans = new WeakMap<ErrorTable, Map<string, Plan>>();

/**
 * Returns the plan of all generations with these noise levels. It is made once, because how much a video differs from
 * what the table expects only scales all damages alike.
 */
export function planFor(table: ErrorTable, noiseLevels: readonly number[]): Plan {
  const made = plans.get(table) ?? new Map<string, Plan>();
  plans.set(table, made);
  const key = noiseLevels.join();
  const plan = made.get(key) ?? makePlan(damages(table, noiseLevels));
  if (made.size >= PLANS_MAX) made.clear();
  made.set(key, plan);
  return plan;
}

/**
 * Returns the damage of reusing all steps between two computed ones [start][end - start]. The errors of the clean
 * latent between two computed steps are nearly parallel, so their sizes add up. Each counts by how far its step moves
 * the latent towards the clean one, and by what becomes of a change of the latent from there to the end.
 */
function damages(table: ErrorTable, levels: readonly number[]): number[][] {
  const steps = levels.length;
  const longest = Math.min(GAP_MAX, Math.max(2, Math.ceil(steps * GAP_SHARE)));
  const moments = tabulated(interpolatedMoments(table.levels, table.clean), levels);
  const amplification = interpolatedValues(table.levels, table.amplification);
  const effects = levels.map((level, step) => (1 - (levels[step + 1] ?? 0) / level) * amplification(level));
  return levels.map((_, start) =>
    Array.from({ length: Math.min(longest, steps - start) + 1 }, (_, gap) => {
      const end = start + gap;
      const known = end < steps ? end : Math.max(0, start - 1);
      let size = 0;
      for (let step = start + 1; step < end; step++) {
        size += effects[step]! * Math.sqrt(errorBetween(moments, start, known, step));
      }
      return size * size;
    }),
  );
}

/** Returns `krigingError` with two known levels, in closed form: a plan needs it very often. */
function errorBetween(moments: readonly (readonly number[])[], a: number, b: number, step: number): number {
  const [aa, bb, ab] = [moments[a]![a]!, moments[b]![b]!, moments[a]![b]!];
  const [own, sa, sb] = [moments[step]![step]!, moments[a]![step]!, moments[b]![step]!];
  const determinant = aa * bb - ab * ab;
  const explained =
    a === b || determinant <= 1e-12 * aa * bb
      ? (sa * sa) / aa
      : (sa * sa * bb - 2 * sa * sb * ab + sb * sb * aa) / determinant;
  return Math.max(own - explained, LEAST_ERROR * own);
}

function tabulated(moments: Moments, levels: readonly number[]): number[][] {
  return levels.map((level) => levels.map((other) => moments(level, other)));
}

/** Finds the cheapest continuation from every step by dynamic programming, for each number of steps to compute. */
function makePlan(damage: readonly (readonly number[])[]): Plan {
  const steps = damage.length;
  const between = (start: number, end: number) => damage[start]![end - start] ?? Infinity;
  /** [count][step] */
  const least: number[][] = [damage.map((_, step) => between(step, steps))];
  const next: number[][] = [damage.map(() => steps)];
  for (let count = 1; count < steps; count++) {
    const [before, row, choice] = [least[count - 1]!, Array<number>(steps).fill(Infinity), [] as number[]];
    for (let step = 0; step < steps; step++) {
      choice[step] = steps;
      for (let end = step + 1; end < Math.min(steps, step + damage[step]!.length); end++) {
        const sum = between(step, end) + before[end]!;
        if (sum < row[step]!) [row[step], choice[step]] = [sum, end];
      }
    }
    least.push(row);
    next.push(choice);
  }
  return {
    between,
    least: (step, count) => least[count]?.[step] ?? Infinity,
    next: (step, count) => next[count]?.[step] ?? steps,
  };
}
