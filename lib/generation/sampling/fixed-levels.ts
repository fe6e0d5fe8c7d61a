import * as z from "zod";

/**
 * Noise levels before the shift, from pure noise downwards, at which a distilled model was trained: one for each step,
 * after the last of which nothing of the noise is left.
 */
export const fixedLevelsSchema = z
  .array(z.number().gt(0).max(1))
  .min(1)
  .max(64)
  .refine((levels) => levels.every((level, i) => i === 0 || level < levels[i - 1]!), {
    message: "must descend from step to step",
  });

/**
 * Checks that a run has one step for each fixed noise level.
 *
 * @throws RangeError, in words for a user
 */
export function checkFixedSteps(steps: number, levels: readonly number[]): void {
  if (steps === levels.length) return;
  throw new RangeError(
    `this model was distilled to make videos in ${levels.length} steps: leave steps out, or ask for ` +
      `${levels.length} instead of ${steps}`,
  );
}
