/** Table of what was measured about a model once, from which a policy predicts the damage that reuse does. */
import * as z from "zod";

const LEVELS_MAX = 128;
const RUNGS_MAX = 64;
const VIDEOS_MAX = 4096;

const momentsSchema = z.array(z.array(z.number()).max(LEVELS_MAX)).min(2).max(LEVELS_MAX);

const rungSchema = z.strictObject({
  /** Largest predicted mean square error of the final latent, in dB below that of the clean latent. */
  budget: z.number(),
  /** PSNR in dB of the calibration videos that were made with this budget, ascending. */
  psnr: z.array(z.number()).min(1).max(VIDEOS_MAX),
  /** Mean number of computed steps of these videos. */
  computed: z.number().positive(),
});

const ladderSchema = z.strictObject({
  /** Number of denoising steps. */
  steps: z.int().positive(),
  /** Rungs with ascending budgets in dB: the higher, the closer to the video without cache. */
  rungs: z.array(rungSchema).min(1).max(RUNGS_MAX),
});

/**
 * Schema of what a table says about a model.
 *
 * Moments are means over elements and calibration videos of the product of a tensor at one noise level with the same
 * tensor at another one, divided by the mean square over all levels.
 */
export const errorTableSchema = z.strictObject({
  /** Noise levels from 1, pure noise, towards 0, descending. */
  levels: z.array(z.number().min(0).max(1)).min(2).max(LEVELS_MAX),
  /** Moments of the residual R [levels, levels]. */
  residual: momentsSchema,
  /** Moments of the clean latent that predictions imply [levels, levels]. */
  clean: momentsSchema,
  /** Mean square of an element of the clean latent, by which its moments were divided. */
  cleanSquare: z.number().positive(),
  /** Change of the final latent for one of size 1 of the latent after each level: nearly the largest of all videos. */
  amplification: z.array(z.number().positive()).min(2).max(LEVELS_MAX),
  /** Qualities that budgets reach, for each number of denoising steps that was measured. */
  ladders: z.array(ladderSchema).max(16),
});

export type ErrorTable = Readonly<z.infer<typeof errorTableSchema>>;
export type Ladder = ErrorTable["ladders"][number];
