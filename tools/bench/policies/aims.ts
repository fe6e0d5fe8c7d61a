import type { Interval } from "./bootstrap.ts";
import type { Comparison, Curve, Statistic } from "./curves.ts";
import { bestAt, differenceAt, differenceFrom, type Verdict, verdictOf } from "./differences.ts";
import { COMPARED, MAIN_STEPS } from "./shares.ts";

/** An aim of the product's own policy with what was measured. */
export interface AimResult {
  readonly steps: number;
  /** The policy or setting that it is compared with, and the place. */
  readonly against: string;
  readonly statistic: Statistic;
  /** Least difference in dB that is aimed for. */
  readonly goal: number;
  /** Null if a curve does not reach the place. */
  readonly measured: Interval | null;
  readonly verdict: Verdict | "not measured";
}

/** Goals at the time of the setting that was the default before. */
const OVER_DEFAULT: Readonly<Record<Statistic, number>> = { mean: 8, p10: 10, worst: 10 };
const DEFAULTS: Readonly<Record<number, { group: string; label: string }>> = {
  30: { group: "AdaCache, motion", label: "fast" },
  100: { group: "AdaCache", label: "fast" },
};
const OVER_RIVALS = 3;
const UNDER_REFERENCE = -1;

/** Returns every aim that a comparison can answer, for one of the product's own curves. */
export function aimsOf(comparison: Comparison, own: Curve): AimResult[] {
  return [...overDefault(comparison, own), ...overRivals(comparison, own)];
}

function overDefault(comparison: Comparison, own: Curve): AimResult[] {
  const wanted = DEFAULTS[comparison.steps];
  const yardstick = comparison.curves
    .find(({ group }) => group === wanted?.group)
    ?.settings.find(({ label }) => label === wanted?.label);
  if (!wanted || !yardstick) return [];
  return (Object.keys(OVER_DEFAULT) as Statistic[]).map((statistic) =>
    result(comparison, {
      against: `${wanted.group} ${wanted.label}, at its time`,
      statistic,
      goal: OVER_DEFAULT[statistic],
      measured: differenceFrom(comparison, own, yardstick, statistic),
    }),
  );
}

function overRivals(comparison: Comparison, own: Curve): AimResult[] {
  const { curves, steps } = comparison;
  if (steps !== MAIN_STEPS) return [];
  const online = curves.filter(({ role }) => role === "rival" || role === "product");
  const references = curves.filter(({ role }) => role === "reference");
  return COMPARED.flatMap((count) =>
    (["mean", "p10"] as const).flatMap((statistic) => {
      const time = count / steps;
      const against = (others: readonly Curve[], told: string, goal: number) => {
        const best = bestAt(comparison, others, time, statistic);
        if (!best) return [];
        return [
          result(comparison, {
            against: `${told} (${best.group}), in the time of ${count} of ${steps} steps`,
            statistic,
            goal,
            measured: differenceAt(comparison, [own, best], time, statistic),
          }),
        ];
      };
      return [
        ...against(online, "best online rival", OVER_RIVALS),
        ...against(references, "offline reference", UNDER_REFERENCE),
      ];
    }),
  );
}

function result({ steps }: Comparison, aim: Omit<AimResult, "steps" | "verdict">): AimResult {
  return { steps, ...aim, verdict: aim.measured ? verdictOf(aim.measured, aim.goal) : "not measured" };
}
