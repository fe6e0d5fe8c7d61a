/** Motion regularisation (MoReg): the more a video moves, the more of its steps are computed. */
import * as z from "zod";
import { MANY_STEPS } from "./codebook.ts";

export const motionSchema = z.strictObject({
  reference: z.number().positive(),
  power: z.number().positive(),
  divisor: z.number().positive(),
  gradientGain: z.number().nonnegative(),
  window: z.strictObject({ from: z.int(), to: z.int(), of: z.int() }),
});

/**
 * Steps `from` to `to` of a run of `of` steps, 1-based and inclusive; both ends scale with the length of the
 * run.
 */
export interface MotionWindow {
  readonly from: number;
  readonly to: number;
  readonly of: number;
}

/** The weight of a motion score is (score / reference) ^ power / divisor inside the window, and 1 outside. */
export interface MotionRegularisation {
  /** The score with weight 1; the authors' 0.385 suits the temporal attention of Open-Sora 1.2. */
  readonly reference: number;
  readonly power: number;
  readonly divisor: number;
  /** Factor of the change of the weight per denoising step. */
  readonly gradientGain: number;
  readonly window: MotionWindow;
}

/**
 * The authors' constants for a run of `steps` denoising steps.
 *
 * The window goes with the codebook: steps 4 to 26 of 30, or 10 to 90 of 100. Their `moreg_hyp = (0.385, 8,
 * 1,2)` has four entries of which three are read, so the divisor is 1 and not the 1.2 they may have meant:
 * the published figures were made with 1.
 */
export function motionFor(steps: number): MotionRegularisation {
  const window = steps < MANY_STEPS ? { from: 4, to: 26, of: 30 } : { from: 10, to: 90, of: 100 };
  return { reference: 0.385, power: 8, divisor: 1, gradientGain: 10, window };
}

/**
 * Tells whether a 0-based denoising step lies in the window, whose ends are rounded to the nearest step of this
 * run.
 */
export function isInWindow(window: MotionWindow, denoisingStep: number, totalSteps: number): boolean {
  const scale = totalSteps / window.of;
  const step = denoisingStep + 1;
  return Math.round(window.from * scale) <= step && step <= Math.round(window.to * scale);
}

/**
 * The weight of one computed step's motion: 1 at the reference score, steeply less below it and more above.
 *
 * @param motionScore null with a single frame, where nothing moves: weight 1. The authors' score is 0 / 0
 *   there
 * @see AdaCache (arXiv 2411.02397) eq. 7, with the normalised score of the authors' `compute_next_step`
 */
export function motionWeight(
  motion: MotionRegularisation,
  motionScore: number | null,
  denoisingStep: number,
  totalSteps: number,
): number {
  if (motionScore === null || !isInWindow(motion.window, denoisingStep, totalSteps)) return 1;
  return (motionScore / motion.reference) ** motion.power / motion.divisor;
}

/**
 * Returns the factor of the distance: the weight plus the size of its gradient over the last `rate` steps.
 *
 * The gradient counts in both directions: the paper adds it signed (eq. 9), the authors' code its absolute
 * value. Entering and leaving the window jumps between a measured weight and 1, a gradient that no motion
 * caused: kept, as the codebooks were tuned with it.
 */
export function motionFactor(
  motion: MotionRegularisation,
  weight: number,
  previousWeight: number,
  rate: number,
): number {
  return weight + Math.abs((motion.gradientGain * (weight - previousWeight)) / rate);
}
