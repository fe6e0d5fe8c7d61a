import type { Condition } from "./condition.ts";

/** Frames at the beginning of the latent that are given, and free of noise at every step. */
export interface GivenFramesCondition extends Condition {
  readonly givenFrames: number;
}

/**
 * Gives `count` of a latent's `frames` frames; 0 gives none. The frames are part of the latent, so there is nothing to
 * feed: the transformer knows their number when its graphs are built.
 *
 * @throws RangeError if no frame is left to generate
 */
export function givenFramesCondition(count: number, frames: number): GivenFramesCondition {
  if (!(Number.isInteger(count) && count >= 0 && count < frames)) {
    throw new RangeError(
      `${count} of ${frames} latent frames cannot be given: leave at least one to generate.`,
    );
  }
  return { givenFrames: count };
}
