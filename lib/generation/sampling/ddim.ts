import * as z from "zod";
import { noiseSchedule, noiseScheduleSchema } from "./noise-schedule.ts";
import { type Sampler, type SamplingRun, statelessStep } from "./sampler.ts";

/** Fields of `scheduler_config.json`. */
export const ddimSchema = noiseScheduleSchema.extend({
  set_alpha_to_one: z.boolean().default(true),
  /**
   * True if the clean latent that a prediction implies is clipped. The class does so by default, and LattePipeline
   * leaves it so, although it is meant for models of pixels.
   */
  clip_sample: z.boolean().default(true),
  /** Largest magnitude of a clipped clean latent. */
  clip_sample_range: z.number().positive().default(1),
});

export type DDIMConfig = Readonly<z.infer<typeof ddimSchema>>;

/**
 * DDIM (arXiv 2010.02502) with eta 0, so no noise is added: each step trusts the predicted noise. Where the clean
 * latent is clipped, steps are not linear, and `clean` is the clean latent before that.
 *
 * @throws RangeError, in words for a user, if the model was not trained with that many steps
 */
export function ddim({
  steps,
  config,
}: Pick<SamplingRun, "steps"> & { readonly config: DDIMConfig }): Sampler {
  const { timesteps, stride, step, move, moveClipped, noiseLevelAt, cleanAt } = noiseSchedule(steps, config);
  const { clip_sample: isClipped, clip_sample_range: range } = config;
  return {
    timesteps,
    noiseLevels: timesteps.map(noiseLevelAt),
    clean: timesteps.map(cleanAt),
    ...(!isClipped && { linear: timesteps.map((timestep) => step(timestep, timestep - stride)) }),
    start: () =>
      statelessStep((latent, noise, evaluation) => {
        const timestep = timesteps[evaluation]!;
        if (isClipped) moveClipped(latent, noise, { from: timestep, to: timestep - stride, range });
        else move(latent, latent, noise, timestep, timestep - stride);
      }),
  };
}
