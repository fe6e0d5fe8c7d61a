/** Numbers of steps at which policies are compared. */

/** Number of denoising steps at which all settings are measured; at others the defaults and a few more. */
export const MAIN_STEPS = 30;

/** Computed steps, of 30, at which policies are compared; policies that can choose have a point there. */
export const COMPARED = [8, 10, 13, 17] as const;

/** Returns numbers of steps, of `steps`, that are the same shares as these of 30; each once. */
export function sharesOf(counts: readonly number[], steps: number): number[] {
  return [...new Set(counts.map((count) => Math.max(1, Math.round((count / MAIN_STEPS) * steps))))];
}
