/** Motion regularisation (MoReg): the more a video moves, the more of its steps are computed. */
import * as z from "zod";
import { MANY_STEPS } from "./codebook.ts";

export const motionSchema = z.strictObject({
  reference: z.number().positive(),
  power: z.number().positive(),
  divisor: z.number().positive(),
  gradientGain: z.number().nonnegative(),
  window: z
    .strictObject({ from: z.int(), to: z.int(), of: z.int() })
    .refine(
      ({ from, to, of }) => 1 <= from && from <= to && to <= of,
      'needs 1 <= from <= to <= of, such as {"from": 4, "to": 26, "of": 30}',
    ),
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

/**
 * Constants of motion regularisation. Inside the window the weight of a motion score is (score / reference) ^ power /
 * divisor; outside it is 1.
 */
export interface MotionRegularisation {
  /** Score whose weight is 1; the authors' 0.385 suits the temporal attention of Open-Sora 1.2. */
  readonly reference: number;
  readonly power: number;
  readonly divisor: number;
  /** Factor of the weight's change per denoising step. */
  readonly gradientGain: number;
  readonly window: MotionWindow;
}

/**
 * Returns the authors' constants for a run of `steps` denoising steps.
 *
 * The window belongs to the codebook: steps 4 to 26 of 30, or 10 to 90 of 100. The authors' `moreg_hyp = (0.385, 8,
 * 1,2)` has four entries of which three are read. The divisor is therefore 1 and not 1.2, which they may have meant:
 * the published figures were made with 1.
 */
export function motionFor(steps: number): MotionRegularisation {
  const window = steps < MANY_STEPS ? { from: 4, to: 26, of: 30 } : { from: 10, to: 90, of: 100 };
  return { reference: 0.385, power: 8, divisor: 1, gradientGain: 10, window };
}

/**
 * Returns whether a 0-based denoising step lies in the window. Both ends of the window are rounded to the nearest step
 * of this run.
 */
export function isInWindow(window: MotionWindow, denoisingStep: number, totalSteps: number): boolean {
  const scale = totalSteps / window.of;
  const step = denoisingStep + 1;
  return Math.round(window.from * scale) <= step && step <= Math.round(window.to * scale);
}

/**
 * Returns the weight of a computed step's motion: 1 at the reference score, much less below it and much more above.
 *
 * @param motionScore null with a single frame, where nothing moves and the weight is 1. The authors' score is 0 / 0
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
 * The gradient counts in both directions, as in the authors' code; the paper adds it signed (eq. 9). On entering and
 * leaving the window the weight jumps between a measured value and 1. That gradient is not caused by motion, but it is
 * kept because the codebooks were tuned with it.
 */
export function motionFactor(
  motion: MotionRegularisation,
  weight: number,
  previousWeight: number,
  rate: number,
): number {
  return weight + Math.abs((motion.gradientGain * (weight - previousWeight)) / rate);
}
