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
  /** True if the number of tokens decides the shift, in place of `shift`. */
  use_dynamic_shifting: z.boolean().default(false),
  /** Dynamic shift of a video of `base_image_seq_len` tokens; that of other videos lies on a line. */
  base_shift: z.number().default(0.5),
  base_image_seq_len: z.number().default(256),
  /** Dynamic shift of a video of `max_image_seq_len` tokens. */
  max_shift: z.number().default(1.15),
  max_image_seq_len: z.number().default(4096),
  /** Tells whether a dynamic shift is the shift itself or its logarithm. */
  time_shift_type: z.enum(["exponential", "linear"]).default("exponential"),
  /** Noise level of the last evaluation, to which all levels are stretched; null or 0 for none. */
  shift_terminal: z.number().min(0).lt(1).nullable().default(null),
  invert_sigmas: z.literal(false).default(false),
  stochastic_sampling: z.literal(false).default(false),
  use_karras_sigmas: z.literal(false).nullish(),
  use_exponential_sigmas: z.literal(false).nullish(),
  use_beta_sigmas: z.literal(false).nullish(),
  /** Noise levels before the shift, which `set_timesteps` of the reference takes as `sigmas`; no member of its file. */
  sigmas: fixedLevelsSchema.optional(),
});

export type FlowEulerConfig = Readonly<z.infer<typeof flowEulerSchema>>;

/**
 * Euler sampler of a velocity that points from latent to noise, with shifted timesteps (arXiv 2403.03206,
 * section 5.3.2). As in the reference, the last timestep is the lowest of training, shifted twice, unless config or
 * run say the noise levels before the shift: these are shifted once.
 */
export function flowEuler({
  steps,
  tokens,
  shares,
  config,
}: SamplingRun & { readonly config: FlowEulerConfig }): EulerSampler {
  checkSteps(steps);
  const { use_dynamic_shifting, num_train_timesteps, sigmas } = config;
  if (sigmas) checkFixedSteps(steps, sigmas);
  const shift = use_dynamic_shifting ? dynamicShift(config, tokens) : config.shift;
  const lowest = 1 / num_train_timesteps;
  const own = () => evenShares(steps, use_dynamic_shifting ? lowest : shiftedLevel(shift, lowest));
  const levels = (sigmas ?? shares ?? own()).map((level) => shiftedLevel(shift, level));
  const noise = stretched(levels, config.shift_terminal ?? 0);
  return eulerSampler({
    trainTimesteps: num_train_timesteps,
    noiseLevels: noise,
    deltas: noise.map((share, index) => (noise[index + 1] ?? 0) - share),
  });
}

/** Returns `steps` noise levels in equal distances, from 1 to `last`; a single one is 1. */
export function evenShares(steps: number, last: number): number[] {
  return Array.from({ length: steps }, (_, index) =>
    steps === 1 ? 1 : 1 + ((last - 1) * index) / (steps - 1),
  );
}

/** Returns the shift of a video: its logarithm, or the shift itself, is linear in the number of tokens. */
function dynamicShift(config: FlowEulerConfig, tokens: number): number {
  const { base_shift, max_shift, base_image_seq_len, max_image_seq_len } = config;
  const slope = (max_shift - base_shift) / (max_image_seq_len - base_image_seq_len);
  const mu = base_shift + slope * (tokens - base_image_seq_len);
  return config.time_shift_type === "linear" ? mu : Math.exp(mu);
}

/**
 * Stretches noise levels from the clean end away, so that the last becomes `last`; pure noise stays as it is. Levels
 * that are all pure noise, as that of a single step is, cannot be stretched and are returned as they are.
 */
function stretched(shares: readonly number[], last: number): readonly number[] {
  const clean = 1 - shares.at(-1)!;
  return last === 0 || clean === 0 ? shares : shares.map((share) => 1 - ((1 - share) * (1 - last)) / clean);
}
