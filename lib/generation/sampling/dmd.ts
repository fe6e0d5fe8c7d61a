import * as z from "zod";
import { checkFixedSteps, fixedLevelsSchema } from "./fixed-levels.ts";
import { shiftedLevel } from "./flow-shift.ts";
import { gaussianNoise } from "./noise.ts";
import { checkPrediction, checkSteps, type Sampler, type SamplingRun, statelessStep } from "./sampler.ts";

/**
 * Configuration of the sampler of models that were distilled by DMD (arXiv 2405.14867). No file of the reference has
 * it: its pipelines hold the timesteps 1000, 757 and 522, which are the levels below, shifted by 8 and rounded.
 */
export const dmdSchema = z.object({
  num_train_timesteps: z.number().positive().default(1000),
  shift: z.number().positive().default(8),
  /** Noise levels before the shift. */
  sigmas: fixedLevelsSchema.default([1, 0.28, 0.12]),
});

export type DMDConfig = Readonly<z.infer<typeof dmdSchema>>;

/**
 * Sampler that goes from each prediction to the clean latent that it implies, and adds fresh noise up to the level of
 * the next step. The noise of a step is a stream of its own of the run's seed, so a seed makes the same video on every
 * machine. The model is given whole timesteps, and the noise levels are those of the training schedule.
 *
 * @see FastVideo 0.2.1 and SGLang 0.5.23, `DmdDenoisingStage`
 */
export function dmd({ steps, seed = 0, config }: SamplingRun & { readonly config: DMDConfig }): Sampler {
  checkSteps(steps);
  const { shift, sigmas, num_train_timesteps } = config;
  checkFixedSteps(steps, sigmas);
  const levels = sigmas.map((level) => shiftedLevel(shift, level));
  return {
    timesteps: levels.map((level) => Math.round(level * num_train_timesteps)),
    noiseLevels: levels,
    clean: levels.map((level) => ({ latent: 1, prediction: -level })),
    start: () =>
      statelessStep((latent, velocity, evaluation) => {
        checkPrediction(latent, velocity);
        const [level, next] = [levels[evaluation]!, levels[evaluation + 1] ?? 0];
        const noise = next > 0 ? gaussianNoise(seed, latent.length, evaluation + 1) : null;
        for (let i = 0; i < latent.length; i++) {
          const clean = latent[i]! - level * velocity[i]!;
          latent[i] = (1 - next) * clean + (noise ? next * noise[i]! : 0);
        }
      }),
  };
}
