import type { GenerationFacts, StepAhead } from "../facts.ts";
import type { CacheState } from "../policy.ts";
import type { Measured } from "../signals.ts";
import { allowedSteps, firstPace, isLimited, type Pace, timed } from "./allowance.ts";
import type { BudgetColumn, BudgetOptions } from "./options.ts";

type Signal = "latentChange" | "latentDistance" | "predictionChange" | "predictionSize";
type State = CacheState<Signal, BudgetColumn>;

/** Estimated relative change of the prediction from which a step is computed. */
const THRESHOLD = 0.2;

/** Exponent of the growth of gaps: the first steps move the latent least and decide most. */
const GROWTH = 2;

/** Facts that a generation remembers between two steps. */
interface Memory {
  readonly pace: Pace;
  /** Last computed step; null before the first. */
  readonly last: number | null;
  /** Next step to compute if the goal limits their number; null if it does not, or if it is still to be planned. */
  readonly next: number | null;
  /** Change of the prediction for a change of the latent; null before the second computed step. */
  readonly slope: number | null;
  /** Mean absolute value of the last computed prediction. */
  readonly size: number;
  /** Sum of the changes of the latent since the last computed step. */
  readonly latentChange: number;
}

/**
 * Starts a generation of a model without a table. If the goal limits the number of computed steps, they are spread with
 * growing gaps. Otherwise steps are reused while the prediction is estimated to change little: by
 * k |x_t - x_(t-1)| / |v|, summed since the last computed step, where x is the latent, v the last computed prediction,
 * and k the change of the prediction over that of the latent between the last two computed steps.
 *
 * @see EasyCache (arXiv 2507.02860) section 3
 */
export function startUnplanned({ goal }: BudgetOptions, totalSteps: number, facts: GenerationFacts): State {
  const stateOf = (memory: Memory): State => ({
    ask(ahead) {
      const moved = memory.latentChange + (ahead.latentChange ?? 0);
      const asked = planned({ ...memory, latentChange: moved, pace: timed(memory.pace, ahead) }, ahead);
      const isComputed = isDue(asked, ahead.denoisingStep);
      const before = { seconds: ahead.secondsSpent, isComputed };
      const next = stateOf({ ...asked, pace: { ...asked.pace, before } });
      return { answer: isComputed ? "compute" : "reuse", next };
    },
    tell: (step, measured) => ({
      values: { surprise: null, predicted: null },
      next: stateOf(remembered(memory, step, measured)),
    }),
  });

  function isDue({ last, next, slope, size, latentChange }: Memory, step: number): boolean {
    if (last === null) return true;
    if (isLimited(goal)) return step === next;
    if (slope === null || size === 0 || step === totalSteps - 1) return true;
    // A change that is not a number is no reason to reuse.
    return !((slope * latentChange) / size < THRESHOLD);
  }

  function planned(memory: Memory, ahead: StepAhead): Memory {
    const { last, next, pace } = memory;
    if (!isLimited(goal) || last === null || next !== null) return memory;
    const allowed = allowedSteps(goal, pace, ahead, totalSteps);
    const count = Math.min(totalSteps, pace.computed + allowed);
    if (pace.computed >= count) return { ...memory, next: totalSteps };
    const place = (totalSteps - 1) * (pace.computed / (count - 1)) ** GROWTH;
    // Places that are too close to earlier ones move on, and the steps after them still have to fit.
    const latest = totalSteps - (count - pace.computed);
    return { ...memory, next: Math.min(Math.max(last + 1, Math.round(place)), Math.max(last + 1, latest)) };
  }

  const nothing = { last: null, next: null, slope: null, size: 0, latentChange: 0 };
  return stateOf({ ...nothing, pace: firstPace(facts) });
}

function remembered(
  { pace, slope }: Memory,
  step: number,
  { latentDistance, predictionChange, predictionSize }: Measured<Exclude<Signal, "latentChange">>,
): Memory {
  const isKnown = predictionChange !== null && latentDistance !== null && latentDistance > 0;
  return {
    pace: { ...pace, computed: pace.computed + 1 },
    last: step,
    next: null,
    slope: isKnown ? predictionChange / latentDistance : slope,
    size: predictionSize ?? 0,
    latentChange: 0,
  };
}
