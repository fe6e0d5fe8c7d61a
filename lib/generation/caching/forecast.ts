/** Forecasts of residuals for any policy, and their correction in hindsight. Nothing has to be measured beforehand. */
import { type GenerationFacts, plainFacts } from "./facts.ts";
import type { CachePolicy, CacheState } from "./policy.ts";
import type { Measured, SignalAfter, SignalName } from "./signals.ts";

const SIGNALS = [
  "cleanSquare",
  "cleanProduct",
  "cleanProductBefore",
] as const satisfies readonly SignalName[];

/** Share of the slope that is followed while no forecast has been compared with the truth. */
const FIRST_DAMPING = 0.5;

/** Steps that may be reused in a row while no forecast has been compared with the truth. */
const REUSED_UNTESTED = 2;

/**
 * Returns a policy with the schedule of another one whose reused steps forecast: they add
 * `R + damping * slope * (R - R_before)`, where the slope is the ratio of the gaps in the noise level. Reused steps are
 * corrected at the next computed step by linear interpolation of the clean latents at both ends.
 *
 * The damping follows the last forecast: it is the share of the slope by which the clean latent would have been
 * forecast best, between 0 and 1, half of it new at each computed step.
 *
 * @see FasterCache (arXiv 2410.19355) and TaylorSeer (arXiv 2503.06923) extrapolate without a test of the slope
 */
export function withForecast(policy: CachePolicy): CachePolicy {
  return {
    ...policy,
    residuals: 2,
    signals: [...new Set([...policy.signals, ...SIGNALS])],
    start(totalSteps, facts) {
      const { noiseLevels } = { ...plainFacts(totalSteps), ...facts };
      return withForecasts(policy.start(totalSteps, facts), noiseLevels);
    },
  };
}

/**
 * Returns the state of a schedule whose reused steps forecast, from the beginning of a generation.
 *
 * @param isLimited true if the number of computed steps is limited: then reused steps after the first two keep the last
 *   residual while no forecast has been compared with the truth; otherwise the next one is computed
 */
export function withForecasts(
  schedule: CacheState,
  noiseLevels: readonly number[],
  isLimited = false,
): CacheState {
  return forecasting(schedule, noiseLevels, {
    isLimited,
    computed: [],
    damping: null,
    square: null,
    products: null,
    reused: 0,
  });
}

/** Facts that are known from computed steps. */
interface Memory {
  readonly isLimited: boolean;
  /** Indices of the last two computed steps, newest first. */
  readonly computed: readonly number[];
  /** Null before a forecast was compared with the truth. */
  readonly damping: number | null;
  /** Mean square of the clean latent of the last computed step. */
  readonly square: number | null;
  /** Mean products of the clean latents of the last two computed steps; null before there are two. */
  readonly products: { readonly newer: number; readonly both: number; readonly older: number } | null;
  /** Steps reused since the last computed one. */
  readonly reused: number;
}

function forecasting(inner: CacheState, levels: GenerationFacts["noiseLevels"], memory: Memory): CacheState {
  return {
    ask(ahead) {
      const asked = inner.ask(ahead);
      const isUntested = memory.damping === null && memory.reused >= REUSED_UNTESTED;
      const isEarly = asked.answer === "reuse" && isUntested && !memory.isLimited;
      const answer = isEarly ? "compute early" : asked.answer;
      const reused = memory.reused + (answer === "reuse" ? 1 : 0);
      return {
        answer,
        weights: isUntested ? [1] : weightsAt(memory, levels, ahead.denoisingStep),
        next: forecasting(asked.next, levels, { ...memory, reused }),
      };
    },
    tell(step, measured) {
      const { values, next } = inner.tell(step, measured);
      const [last] = memory.computed;
      return {
        values,
        ...(last !== undefined && { correction: (reused: number) => between(levels, step, last, reused) }),
        next: forecasting(next, levels, remembered(memory, levels, step, measured)),
      };
    },
  };
}

function weightsAt(
  { computed, damping }: Memory,
  levels: readonly number[],
  step: number,
): readonly number[] {
  const [last, before] = computed;
  if (last === undefined || before === undefined) return [1];
  const forward = (damping ?? FIRST_DAMPING) * slope(levels, before, last, step);
  return [1 + forward, -forward];
}

/** Returns how often the gap between the last two computed steps fits between the last one and a later step. */
function slope(levels: readonly number[], before: number, last: number, step: number): number {
  const gap = levels[before]! - levels[last]!;
  return gap === 0 ? 0 : (levels[last]! - levels[step]!) / gap;
}

/** Returns the weights of the clean latents at both ends for a step between them. */
function between(levels: readonly number[], end: number, start: number, step: number): number[] {
  const gap = levels[start]! - levels[end]!;
  const share = gap === 0 ? 1 : (levels[start]! - levels[step]!) / gap;
  return [share, 1 - share];
}

function remembered(
  memory: Memory,
  levels: readonly number[],
  step: number,
  measured: Measured<SignalAfter>,
): Memory {
  const { cleanSquare: square, cleanProduct: withLast, cleanProductBefore: withBefore } = measured;
  const [last, before] = memory.computed;
  const { products } = memory;
  const isPair = square !== null && withLast !== null && memory.square !== null;
  const known = {
    isLimited: memory.isLimited,
    computed: [step, ...memory.computed].slice(0, 2),
    square,
    products: isPair ? { newer: square, both: withLast, older: memory.square } : null,
    reused: 0,
  };
  if (!products || withLast === null || withBefore === null || last === undefined || before === undefined) {
    return { ...known, damping: memory.damping };
  }
  // Of the truth minus the last clean latent: the part along the slope, over the part that the slope foresaw.
  const along = withLast - withBefore - products.newer + products.both;
  const foreseen = (products.newer - 2 * products.both + products.older) * slope(levels, before, last, step);
  const gain = along / foreseen;
  const best = foreseen > 0 && Number.isFinite(gain) ? Math.min(1, Math.max(0, gain)) : 0;
  return { ...known, damping: memory.damping === null ? best : (memory.damping + best) / 2 };
}
