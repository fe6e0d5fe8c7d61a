/** What is measured on calibration prompts for the rivals that need it, at one number of denoising steps. */
export interface Calibration {
  readonly steps: number;
  /**
   * Mean over tokens of |r_i| / |r_{i-1}|, r being the residual of the whole stack at step i (MagCache section 3); 1
   * at the first step. From one prompt, as the paper does.
   */
  readonly magnitudeRatios: readonly number[];
  /**
   * For each pair of consecutive steps: relative L1 of the modulated input and of the residual (TeaCache section 3.3).
   * From all calibration prompts.
   */
  readonly changes: readonly { readonly input: number; readonly output: number }[];
  /**
   * Damage of skipping, which schedules by dynamic programming add up: `damage[i][g]` is the square root of the mean
   * square by which the final latent moves if step i takes its residual from g + 1 steps earlier.
   */
  readonly damage: readonly (readonly number[])[];
}
