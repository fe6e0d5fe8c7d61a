/** AdaCache: the more the probe changes, the sooner the next step is computed. */
import { type Codebook, rateAt } from "./codebook.ts";
import { type MotionRegularisation, motionFactor, motionWeight } from "./motion.ts";
import {
  type CachePolicy,
  type CacheState,
  checkTotalSteps,
  checkWarmup,
  type Decision,
  type Measurement,
} from "./policy.ts";

export interface AdaCacheOptions {
  readonly name: string;
  readonly codebook: Codebook;
  /** Null decides on the change alone. */
  readonly motion: MotionRegularisation | null;
  /** Denoising steps at the start that are computed whatever they measure; 0 by default. */
  readonly warmup?: number;
}

/**
 * Steps 1, N-1 and N are computed, those of the warm-up, and between them the steps the codebook asks for:
 * after a computed step whose probe is at distance d, the next one is `rate(d)` steps away.
 *
 * @throws RangeError if `warmup` is not an integer >= 0
 * @see AdaCache (arXiv 2411.02397) section 3 and the authors' `compute_next_step`, which this follows where
 *   they differ
 */
export function adacache({ name, codebook, motion, warmup = 0 }: AdaCacheOptions): CachePolicy {
  checkWarmup(warmup);
  return {
    name,
    codebook,
    motion,
    warmup,
    start(totalSteps) {
      checkTotalSteps(totalSteps);
      return startGeneration({ codebook, motion, warmup }, totalSteps);
    },
  };
}

/** Everything a generation remembers between two computed steps. */
interface Memory {
  readonly nextStep: number;
  /** The planned rate, which the next distance is divided by. */
  readonly rate: number;
  /** The motion weight, which the next gradient starts from. */
  readonly weight: number;
  readonly decision: Decision | null;
}

const BEFORE_FIRST_STEP: Memory = { nextStep: 0, rate: 1, weight: 1, decision: null };

function startGeneration(
  { codebook, motion, warmup }: Required<Omit<AdaCacheOptions, "name">>,
  totalSteps: number,
): CacheState {
  const stateOf = (memory: Memory): CacheState => ({
    decision: memory.decision,
    shouldCompute: (step) => step === memory.nextStep || step >= totalSteps - 2,
    afterComputed: (step, measurement) => stateOf(decide(memory, step, measurement)),
  });

  function decide(memory: Memory, step: number, measurement: Measurement): Memory {
    const change = finiteOrNull(measurement.change);
    const motionScore = finiteOrNull(measurement.motionScore);
    // No previous probe, or one of zeros: nothing is known of the change, so the next step is computed.
    if (change === null) {
      const decision = { change, motionScore, motionFactor: null, distance: null, rate: null };
      return { nextStep: step + 1, rate: 1, weight: memory.weight, decision };
    }
    const weight = motion === null ? 1 : motionWeight(motion, motionScore, step, totalSteps);
    const factor = motion === null ? null : motionFactor(motion, weight, memory.weight, memory.rate);
    // By the planned rate even where N-1 or N came sooner: the codebooks were tuned so.
    const distance = (change / memory.rate) * (factor ?? 1);
    // A warm-up plans one step ahead, so that what follows is divided by the one step it spans. The codebook's
    // answer would be a plan that was never going to be kept, and no codebook was tuned with such divisions.
    const isWarmingUp = step + 1 < warmup;
    const rate = isWarmingUp ? 1 : rateAt(codebook, distance);
    const decision = { change, motionScore, motionFactor: factor, distance, rate };
    return { nextStep: step + rate, rate, weight, decision };
  }

  return stateOf(BEFORE_FIRST_STEP);
}

function finiteOrNull(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
