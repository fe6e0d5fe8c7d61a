import * as z from "zod";
import { noiseSchedule, noiseScheduleSchema } from "./noise-schedule.ts";
import { type Sampler, type SamplingRun, statelessStep } from "./sampler.ts";

/**
 * Fields of `scheduler_config.json`. `clip_sample` is left out: it is on by default, is meant for models of
 * pixels, and the pipelines of latent models turn it off.
 */
export const ddimSchema = noiseScheduleSchema.extend({ set_alpha_to_one: z.boolean().default(true) });

export type DDIMConfig = Readonly<z.infer<typeof ddimSchema>>;

/**
 * DDIM (arXiv 2010.02502) with eta 0, so no noise is added: each step trusts the predicted noise.
 *
 * @throws RangeError, in words for a user, if the model was not trained with that many steps
 */
export function ddim({
  steps,
  config,
}: Pick<SamplingRun, "steps"> & { readonly config: DDIMConfig }): Sampler {
  const { timesteps, stride, step, move, noiseLevelAt, cleanAt } = noiseSchedule(steps, config);
  return {
    timesteps,
    noiseLevels: timesteps.map(noiseLevelAt),
    clean: timesteps.map(cleanAt),
    linear: timesteps.map((timestep) => step(timestep, timestep - stride)),
    start: () =>
      statelessStep((latent, noise, evaluation) => {
        const timestep = timesteps[evaluation]!;
        move(latent, latent, noise, timestep, timestep - stride);
      }),
  };
}
