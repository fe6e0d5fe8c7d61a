import type { GenerationFacts, StepAhead } from "../facts.ts";
import type { CacheState, Told } from "../policy.ts";
import type { Measured } from "../signals.ts";
import { allowedSteps, firstPace, type Pace, timed } from "./allowance.ts";
import { interpolatedMoments, krigingError, krigingWeights } from "./kriging.ts";
import { budgetFor, expectedPsnr } from "./ladder.ts";
import type { BudgetColumn, BudgetOptions } from "./options.ts";
import { planFor } from "./plan.ts";
import type { ErrorTable } from "./table.ts";

type State = CacheState<"cleanSquare" | "cleanProduct" | "cleanProductBefore", BudgetColumn>;
type Products = Measured<"cleanSquare" | "cleanProduct" | "cleanProductBefore">;

/**
 * Budget in dB of `auto`. It is no promise: on the demo model it computes a third of 30 steps, and every second video is
 * closer than 48 dB to the one without cache.
 */
const USUAL_BUDGET = 34;

/** Computed steps before a surprise is known: it compares a step with a forecast from two others. */
const FIRST_STEPS = 3;

/** Least number of computed steps of which so many are spent at the start. */
const FEWEST_WITH_FIRST_STEPS = 6;

/** Bounds of the surprise of a video. */
const SURPRISE = { least: 0.3, most: 4 } as const;

/**
 * Share of the budget that is always left for the steps to come. A video that has spent more than its budget cannot get
 * it back, and is not computed to the end for it.
 */
const LEFT_SHARE = 1 / 4;

/** Facts that a generation remembers between two steps. */
interface Memory {
  readonly pace: Pace;
  /** Last two computed steps, newest first. */
  readonly computed: readonly number[];
  /** Mean products of their clean latents. */
  readonly square: number | null;
  readonly product: number | null;
  readonly squareBefore: number | null;
  /** Root mean square error of the last forecast over that which the table expects; 1 while it is not known. */
  readonly surprise: number;
  /** Damage so far, in mean squares relative to the clean latent. */
  readonly damage: number;
  /** Next step to compute; null if it is still to be planned. */
  readonly next: number | null;
}

/**
 * Starts a generation with a table. After every computed step it plans the fewest computed steps whose damage stays
 * within the budget, or the least damage that an allowed number of steps can reach.
 *
 * The surprise, the error of the last forecast over the table's, tells how much a video differs from those that the
 * table was measured with. All damage to come is expected to be as many times larger.
 *
 * @param options.damageDb allowed damage in dB below the clean latent, in place of that of the goal
 */
export function startPlanned(
  { goal, forecast, damageDb }: BudgetOptions & { readonly damageDb?: number },
  totalSteps: number,
  facts: GenerationFacts & { readonly table: ErrorTable },
): State {
  const { table, noiseLevels: levels, firstStep } = facts;
  const plan = planFor(table, levels);
  const clean = interpolatedMoments(table.levels, table.clean);
  const residual = interpolatedMoments(table.levels, table.residual);
  const budget = damageOf(damageDb ?? budgetDecibels(goal, table, totalSteps));
  const levelsOf = (steps: readonly number[]) => steps.map((step) => levels[step]!);

  const stateOf = (memory: Memory): State => ({
    ask(ahead) {
      const asked = planned({ ...memory, pace: timed(memory.pace, ahead) }, ahead);
      const isComputed = asked.computed.length === 0 || asked.next === ahead.denoisingStep;
      const before = { seconds: ahead.secondsSpent, isComputed };
      const next = stateOf({ ...asked, pace: { ...asked.pace, before } });
      if (isComputed) return { answer: "compute", next };
      return { answer: "reuse", weights: weightsAt(asked.computed, ahead.denoisingStep), next };
    },
    tell: (step, measured) => told(memory, step, measured),
  });

  function weightsAt(computed: readonly number[], step: number): readonly number[] {
    const isPair = forecast && computed.length === 2;
    return isPair ? krigingWeights(residual, levelsOf(computed), levels[step]!) : [1];
  }

  function planned(memory: Memory, ahead: StepAhead): Memory {
    const { pace, computed, surprise, damage, next } = memory;
    const [last] = computed;
    if (last === undefined || next !== null) return memory;
    const allowed = allowedSteps(goal, pace, ahead, totalSteps);
    const isFirst = last + 1 < firstStep + FIRST_STEPS && pace.computed + allowed >= FEWEST_WITH_FIRST_STEPS;
    if (isFirst) return { ...memory, next: last + 1 };
    const most = Math.min(allowed, totalSteps - last - 1);
    const scale = surprise ** 2;
    const left = Math.max(budget - damage, budget * LEFT_SHARE);
    let count = most;
    if (allowed === Infinity) {
      count = 0;
      while (count < most && plan.least(last, count) * scale > left) count += 1;
    }
    // With few steps left to compute, the longest gaps that were planned for may not reach the end.
    while (count > 0 && plan.least(last, count) === Infinity && count < most) count += 1;
    return { ...memory, next: nextOf(last, count) };
  }

  function nextOf(last: number, count: number): number {
    if (count === 0) return totalSteps;
    if (plan.least(last, count) < Infinity) return plan.next(last, count);
    return last + Math.max(1, Math.round((totalSteps - last) / (count + 1)));
  }

  function told(memory: Memory, step: number, measured: Products): Told<never, BudgetColumn> {
    const { computed } = memory;
    const [last] = computed;
    const error = relativeError(memory, step, measured);
    const surprise = error ?? memory.surprise;
    const reusedDamage = last === undefined ? 0 : plan.between(last, step) * bounded(surprise) ** 2;
    const damage = memory.damage + (Number.isFinite(reusedDamage) ? reusedDamage : 0);
    const next = stateOf({
      pace: { ...memory.pace, computed: memory.pace.computed + 1 },
      computed: [step, ...computed].slice(0, 2),
      square: measured.cleanSquare,
      product: measured.cleanProduct,
      squareBefore: memory.square,
      surprise: error === null ? 1 : bounded(error ** persistence(levels[step]!)),
      damage,
      next: null,
    });
    return {
      values: {
        surprise: error,
        predicted: damage > 0 ? expectedPsnr(table, totalSteps, -decibelsOf(damage)) : null,
      },
      ...(forecast && last !== undefined && { correction: (reused: number) => between(step, last, reused) }),
      next,
    };
  }

  function between(step: number, last: number, reused: number): readonly number[] {
    return krigingWeights(clean, levelsOf([step, last]), levels[reused]!);
  }

  /** Returns the surprise at a computed step; null if fewer than two were computed before. */
  function relativeError({ computed, square, product, squareBefore }: Memory, step: number, now: Products) {
    const { cleanSquare, cleanProduct, cleanProductBefore } = now;
    const known = [square, product, squareBefore, cleanSquare, cleanProduct, cleanProductBefore];
    if (computed.length < 2 || known.includes(null)) return null;
    const [a, b] = krigingWeights(clean, levelsOf(computed), levels[step]!) as [number, number];
    const error =
      cleanSquare! -
      2 * (a * cleanProduct! + b * cleanProductBefore!) +
      a * a * square! +
      2 * a * b * product! +
      b * b * squareBefore!;
    const expected = krigingError(clean, levelsOf(computed), levels[step]!) * table.cleanSquare;
    return Math.sqrt(Math.max(error, 0) / expected);
  }

  const nothing = { computed: [], square: null, product: null, squareBefore: null };
  return stateOf({ ...nothing, pace: firstPace(facts), surprise: 1, damage: 0, next: null });
}

/**
 * Returns the exponent by which a surprise at a noise level is believed to last. At high noise, it says little about
 * later ones; from a level of 0.8 on, it stays about what it is.
 */
function persistence(level: number): number {
  return Math.min(1, Math.max(0, (1 - level) * 5));
}

function bounded(surprise: number): number {
  // A model whose numbers are not finite is no reason to reuse.
  return Number.isNaN(surprise) ? SURPRISE.most : Math.min(SURPRISE.most, Math.max(SURPRISE.least, surprise));
}

function budgetDecibels(goal: BudgetOptions["goal"], table: ErrorTable, steps: number): number {
  const isInDecibels = goal !== null && "at_least_db" in goal;
  return (isInDecibels ? budgetFor(table, steps, goal.at_least_db) : null) ?? USUAL_BUDGET;
}

function damageOf(decibels: number): number {
  return 10 ** (-decibels / 10);
}

function decibelsOf(damage: number): number {
  return 10 * Math.log10(damage);
}
