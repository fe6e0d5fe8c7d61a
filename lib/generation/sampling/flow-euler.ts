import * as z from "zod";
import { checkFixedSteps, fixedLevelsSchema } from "./fixed-levels.ts";
import { shiftedLevel } from "./flow-shift.ts";
import { type EulerSampler, eulerSampler } from "./rectified-flow.ts";
import { checkSteps, type SamplingRun } from "./sampler.ts";

/**
 * Fields of diffusers' `FlowMatchEulerDiscreteScheduler` that are implemented. Values that would change the
 * result are refused; other fields are ignored.
 */
export const flowEulerSchema = z.object({
  num_train_timesteps: z.number().positive().default(1000),
  /** Maps a noise level s to shift * s / (1 + (shift - 1) * s). Above 1, more steps are spent at high noise. */
  shift: z.number().positive().default(1),
  use_dynamic_shifting: z.literal(false).default(false),
  invert_sigmas: z.literal(false).default(false),
  stochastic_sampling: z.literal(false).default(false),
  use_karras_sigmas: z.literal(false).nullish(),
  use_exponential_sigmas: z.literal(false).nullish(),
  use_beta_sigmas: z.literal(false).nullish(),
  shift_terminal: z.null().optional(),
  /** Noise levels before the shift, which `set_timesteps` of the reference takes as `sigmas`; no member of its file. */
  sigmas: fixedLevelsSchema.optional(),
});

export type FlowEulerConfig = Readonly<z.infer<typeof flowEulerSchema>>;

/**
 * Euler sampler of a velocity that points from latent to noise, with shifted timesteps (arXiv 2403.03206,
 * section 5.3.2). As in the reference, the last timestep is the lowest of training, shifted twice. A list of `sigmas`
 * is shifted once.
 */
export function flowEuler({
  steps,
  config,
}: SamplingRun & { readonly config: FlowEulerConfig }): EulerSampler {
  checkSteps(steps);
  const { shift, num_train_timesteps, sigmas } = config;
  if (sigmas) checkFixedSteps(steps, sigmas);
  const levels = sigmas ?? evenLevels(steps, shiftedLevel(shift, 1 / num_train_timesteps));
  const shares = levels.map((level) => shiftedLevel(shift, level));
  return eulerSampler({
    trainTimesteps: num_train_timesteps,
    noiseLevels: shares,
    deltas: shares.map((share, index) => (shares[index + 1] ?? 0) - share),
  });
}

/** Returns levels from 1 down to `least` in even steps. */
function evenLevels(steps: number, least: number): number[] {
  return Array.from({ length: steps }, (_, i) => 1 + (steps === 1 ? 0 : ((least - 1) * i) / (steps - 1)));
}
