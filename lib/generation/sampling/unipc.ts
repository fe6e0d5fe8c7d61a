import * as z from "zod";
import { shiftedLevel } from "./flow-shift.ts";
import { checkPrediction, checkSteps, type Sampler, type SamplerStep, type SamplingRun } from "./sampler.ts";

/**
 * UniPC (arXiv 2302.04867) of second order for models that predict the velocity of a flow. Before every step
 * the corrector improves the latent with the new prediction, then the predictor takes the step. Both use
 * B2(h) of the paper and work on the clean latent that a prediction implies.
 */

/**
 * Fields of diffusers' `UniPCMultistepScheduler` that are implemented. Values that would change the result
 * are refused; other fields are ignored.
 */
export const uniPCSchema = z.object({
  num_train_timesteps: z.number().positive().default(1000),
  /** Maps a noise level s to shift * s / (1 + (shift - 1) * s). Above 1, more steps are spent at high noise. */
  flow_shift: z.number().positive().default(1),
  use_flow_sigmas: z.literal(true),
  prediction_type: z.literal("flow_prediction"),
  solver_order: z.literal(2).default(2),
  solver_type: z.literal("bh2").default("bh2"),
  predict_x0: z.literal(true).default(true),
  lower_order_final: z.literal(true).default(true),
  final_sigmas_type: z.literal("zero").default("zero"),
  disable_corrector: z.array(z.never()).default([]),
  thresholding: z.literal(false).default(false),
  use_dynamic_shifting: z.literal(false).default(false),
  use_karras_sigmas: z.literal(false).nullish(),
  use_exponential_sigmas: z.literal(false).nullish(),
  use_beta_sigmas: z.literal(false).nullish(),
  shift_terminal: z.null().optional(),
  solver_p: z.null().optional(),
});

export type UniPCConfig = Readonly<z.infer<typeof uniPCSchema>>;

/** UniPC sampler. Timesteps are truncated to integers, as in the reference. */
export function uniPC({ steps, config }: SamplingRun & { readonly config: UniPCConfig }): Sampler {
  checkSteps(steps);
  const shares = noiseShares(steps, config);
  const evaluations = coefficients(shares);
  return {
    timesteps: shares.map((share) => Math.trunc(share * config.num_train_timesteps)),
    noiseLevels: shares,
    clean: evaluations.map(({ share }) => ({ latent: 1, prediction: -share })),
    start: () => begin(null),
  };

  function begin(from: Memory | null): SamplerStep {
    let memory = from;
    const run = (latent: Float32Array, velocity: Float32Array, evaluation: number) => {
      checkPrediction(latent, velocity);
      memory ??= {
        sample: new Float32Array(latent.length),
        clean: new Float32Array(latent.length),
        earlier: new Float32Array(latent.length),
      };
      step(latent, velocity, memory, evaluations[evaluation]!);
    };
    return Object.assign(run, { fork: () => begin(memory && copyOf(memory)) });
  }
}

function copyOf({ sample, clean, earlier }: Memory): Memory {
  return { sample: sample.slice(), clean: clean.slice(), earlier: earlier.slice() };
}

/** Tensors kept from the last evaluations, with the latent's number of values. */
interface Memory {
  /** Corrected latent of the last evaluation. */
  readonly sample: Float32Array;
  /** Clean latent implied by the last prediction. */
  readonly clean: Float32Array;
  /** Clean latent implied by the prediction before the last. */
  readonly earlier: Float32Array;
}

/** Coefficients of one evaluation: the weight of every tensor in the corrected and in the next latent. */
interface Coefficients {
  /** Noise level (sigma) of the latent. */
  readonly share: number;
  readonly corrector: Corrector;
  readonly predictor: { readonly sample: number; readonly clean: number; readonly lastClean: number };
}

interface Corrector {
  readonly latent: number;
  readonly clean: number;
  readonly lastSample: number;
  readonly lastClean: number;
  readonly earlierClean: number;
}

const uncorrected: Corrector = { latent: 1, clean: 0, lastSample: 0, lastClean: 0, earlierClean: 0 };

function step(
  latent: Float32Array,
  velocity: Float32Array,
  { sample, clean, earlier }: Memory,
  { share, corrector, predictor }: Coefficients,
): void {
  for (let i = 0; i < latent.length; i++) {
    const now = latent[i]! - share * velocity[i]!;
    const corrected =
      corrector.latent * latent[i]! +
      corrector.clean * now +
      corrector.lastSample * sample[i]! +
      corrector.lastClean * clean[i]! +
      corrector.earlierClean * earlier[i]!;
    latent[i] = predictor.sample * corrected + predictor.clean * now + predictor.lastClean * clean[i]!;
    sample[i] = corrected;
    earlier[i] = clean[i]!;
    clean[i] = now;
  }
}

/** Returns the noise level of the latent at each evaluation. */
function noiseShares(steps: number, { flow_shift: shift, num_train_timesteps }: UniPCConfig): number[] {
  const down = (1 / num_train_timesteps - 1) / steps;
  return Array.from({ length: steps }, (_, index) => {
    const share = 1 + index * down;
    const shifted = shiftedLevel(shift, share);
    // Below 1, so that the logarithm of the signal level is finite at the start.
    return index === 0 ? shifted - 1e-6 : shifted;
  });
}

function coefficients(shares: readonly number[]): Coefficients[] {
  const steps = shares.length;
  // The reference keeps sigmas as float32, and near pure noise 1 - sigma depends on that rounding.
  const sigmas = [...shares.map(Math.fround), 0];
  const lambdas = sigmas.map((sigma) => Math.log1p(-sigma) - Math.log(sigma));

  /** Interval from evaluation i to the next. */
  const interval = (i: number): Interval => {
    const h = lambdas[i + 1]! - lambdas[i]!;
    return {
      h,
      keep: sigmas[i + 1]! / sigmas[i]!,
      weight: (sigmas[i + 1]! - 1) * Math.expm1(-h),
      // The first step has no earlier prediction; the last is of first order too (`lower_order_final`).
      back: i > 0 && i < steps - 1 ? (lambdas[i - 1]! - lambdas[i]!) / h : null,
    };
  };

  return shares.map((_, i) => ({
    share: sigmas[i]!,
    corrector: i === 0 ? uncorrected : correct(interval(i - 1)),
    predictor: predict(interval(i)),
  }));
}

interface Interval {
  /** Length: the difference of lambda, which is half the log signal-to-noise ratio. */
  readonly h: number;
  readonly keep: number;
  readonly weight: number;
  /** Position of the evaluation before it, in units of h; null for a step of first order. */
  readonly back: number | null;
}

function predict({ keep, weight, back }: Interval): Coefficients["predictor"] {
  const slope = back === null ? 0 : 0.5 / back;
  return { sample: keep, clean: weight * (1 - slope), lastClean: weight * slope };
}

function correct({ h, keep, weight, back }: Interval): Corrector {
  const [slope, now] = back === null ? [0, 0.5] : secondOrder(h, back);
  return {
    latent: 0,
    clean: weight * now,
    lastSample: keep,
    lastClean: weight * (1 - slope - now),
    earlierClean: weight * slope,
  };
}

/** Returns the corrector's weights of the earlier and of the new clean latent: the paper's linear system for two. */
function secondOrder(h: number, back: number): [earlier: number, now: number] {
  const phi = Math.expm1(-h);
  const first = (phi / -h - 1) / phi;
  const second = (((phi / -h - 1) / -h - 0.5) * 2) / phi;
  const rho = (first - second) / (1 - back);
  return [rho / back, first - rho];
}
