import type {
  CacheState,
  Measured,
  SignalAfter,
  SignalBefore,
} from "../../../../lib/generation/caching/index.ts";
import { NOTHING_MEASURED } from "../../../../lib/generation/caching/signals.ts";

export interface ScheduleRun {
  readonly state: CacheState;
  readonly steps: number;
  /** First step, 0 by default. */
  readonly from?: number;
  readonly before?: (step: number) => Partial<Measured<SignalBefore>>;
  /** @param computed computed steps before this one, newest first */
  readonly after?: (step: number, computed: readonly number[]) => Partial<Measured<SignalAfter>>;
  /** Seconds of a step. */
  readonly seconds?: (step: number, isComputed: boolean) => number;
  readonly secondsAvailable?: number;
}

/** Runs a schedule to the end, and returns its computed steps, 0-based, its weights and the seconds it took. */
export function runSchedule({
  state,
  steps,
  from = 0,
  before = () => ({}),
  after = () => ({}),
  seconds = () => 0,
  secondsAvailable,
}: ScheduleRun) {
  const computed: number[] = [];
  const weights: (readonly number[] | null)[] = [];
  const surprises: unknown[] = [];
  let [spent, cache] = [0, state];
  for (let step = from; step < steps; step++) {
    const left = secondsAvailable === undefined ? null : secondsAvailable - spent;
    const clock = { denoisingStep: step, secondsSpent: spent, secondsLeft: left };
    const asked = cache.ask({ ...NOTHING_MEASURED, ...clock, ...before(step) });
    cache = asked.next;
    const isComputed = asked.answer !== "reuse";
    weights.push(isComputed ? null : (asked.weights ?? [1]));
    if (isComputed) {
      const told = cache.tell(step, { ...NOTHING_MEASURED, ...after(step, computed.toReversed()) });
      cache = told.next;
      computed.push(step);
      surprises.push((told.values as Record<string, unknown>).surprise);
    }
    spent += seconds(step, isComputed);
  }
  return { computed, weights, surprises, spent };
}
