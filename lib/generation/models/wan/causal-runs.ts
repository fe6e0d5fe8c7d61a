import type { ContinuedRun } from "../continued-run.ts";
import { framesPerRun } from "../latent-decoder.ts";

/**
 * Number of latent frames up to which one run over all of them needs no more memory than the state that runs pass on.
 */
const WHOLE_FRAMES_MAX = 6;

/**
 * Returns the runs of a causal autoencoder over a latent: one over a short or small latent; otherwise one for the first
 * latent frame, and then one for a few frames at a time.
 *
 * @param pixels pixels of the video that belong to each latent frame
 */
export function causalRuns(latentFrames: number, pixels: number): readonly ContinuedRun[] {
  if (latentFrames <= WHOLE_FRAMES_MAX || framesPerRun(latentFrames, pixels) === latentFrames)
    return [{ frames: latentFrames }];
  const later = framesPerRun(latentFrames - 1, pixels);
  const runs = (latentFrames - 1) / later;
  return [
    { frames: 1, isContinued: true },
    ...Array.from({ length: runs }, () => ({ frames: later, continues: true, isContinued: true })),
  ];
}
