import { bootstrapInterval, type Interval, type Sample } from "./bootstrap.ts";
import { type Comparison, type Curve, qualityAt, type Statistic, settingAt } from "./curves.ts";

/** Differences between policies at equal mean time. */

/** Returns the quality of one curve minus that of another at a time, in dB; null where one of them does not reach. */
export function differenceAt(
  { prompts }: Comparison,
  [curve, other]: readonly [curve: Curve, other: Curve],
  time: number,
  statistic: Statistic,
): Interval | null {
  return bootstrapInterval(prompts.length, (sample) => {
    const [own, theirs] = [curve, other].map((each) => qualityAt(each, time, statistic, sample));
    return own === null || theirs === null ? null : own! - theirs!;
  });
}

/** Returns the quality of a curve at the time of one setting of another, minus the quality of that setting. */
export function differenceFrom(
  { prompts }: Comparison,
  curve: Curve,
  yardstick: Curve["settings"][number],
  statistic: Statistic,
): Interval | null {
  return bootstrapInterval(prompts.length, (sample) => {
    const { time, quality } = settingAt(yardstick, statistic, sample);
    const own = qualityAt(curve, time, statistic, sample);
    return own === null ? null : own - quality;
  });
}

/** Returns the curve with the highest quality at a time; undefined if none reaches it. */
export function bestAt(
  { prompts }: Comparison,
  curves: readonly Curve[],
  time: number,
  statistic: Statistic,
): Curve | undefined {
  const all: Sample = prompts.map((_, index) => index);
  return curves
    .map((curve) => ({ curve, quality: qualityAt(curve, time, statistic, all) }))
    .filter((one) => one.quality !== null)
    .sort((a, b) => b.quality! - a.quality!)[0]?.curve;
}

export type Verdict = "met" | "missed" | "chance";

/** Returns whether a difference reaches a goal in the whole interval, nowhere in it, or in a part, by chance. */
export function verdictOf({ low, high }: Interval, goal: number): Verdict {
  if (low >= goal) return "met";
  return high < goal ? "missed" : "chance";
}
