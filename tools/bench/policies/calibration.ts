import * as z from "zod";

/** Measurements on calibration prompts for the rivals that need them, at one number of denoising steps. */
export const calibrationSchema = z.object({
  steps: z.int().positive(),
  /**
   * Mean over tokens of |r_i| / |r_i-1|, r being the residual of all blocks at step i; 1 at the first step. From one
   * prompt, as MagCache does (arXiv 2506.09045, section 3).
   */
  magnitudeRatios: z.array(z.number()),
  /**
   * Relative L1 from each step to the next of the modulated input and of the prediction, on all calibration prompts
   * (TeaCache, arXiv 2411.19108, section 3.3).
   */
  changes: z.array(z.object({ input: z.number(), output: z.number() })),
  /**
   * Mean square by which the final latent moves if a step is reused: `damage[step][gap - 1]` for a computed step `gap`
   * steps before, in addition to the damage of the steps between. Mean over the calibration prompts.
   */
  damage: z.array(z.array(z.number())),
});

export type Calibration = z.infer<typeof calibrationSchema>;

/** Parts of a calibration; the damage takes by far the longest. */
export type CalibrationPart = "magnitudeRatios" | "changes" | "damage";
