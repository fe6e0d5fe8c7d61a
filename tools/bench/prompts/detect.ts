import type { Frames } from "../../../lib/generation/video/index.ts";
import { largestBlob } from "./blob.ts";
import { type Direction, fitMotion, type Motion } from "./motion.ts";
import { backgroundColour, type Colour, objectColour, objectMask } from "./palette.ts";
import { fitShape, type Shape } from "./shape.ts";

/** Content of a video as detected. All fields but the background are null if no object was found. */
export interface Observation {
  readonly background: Colour;
  readonly colour: Colour | null;
  readonly shape: Shape | null;
  /** Mean intersection over union with the shape, 0 to 1: the confidence in it. */
  readonly overlap: number;
  readonly motion: Motion | null;
  readonly isMoving: boolean | null;
  readonly direction: Direction | null;
}

/**
 * Detects one object over a background. The detector knows the demo model's palette and shapes, but not the
 * prompt.
 */
export function detect(frames: Frames): Observation {
  const background = backgroundColour(frames);
  const nothing = { colour: null, shape: null, overlap: 0, motion: null, isMoving: null, direction: null };
  const colour = objectColour(frames, background);
  if (colour === null) return { background, ...nothing };

  const found = Array.from({ length: frames.count }, (_, frame) => {
    const mask = objectMask(frames, frame, background, colour);
    const blob = largestBlob(mask, frames.width, frames.height);
    return blob && { frame, ...blob };
  }).filter((blob) => blob !== null);
  // A track of fewer than half of the frames is too short to judge.
  if (found.length < Math.max(3, frames.count / 2)) return { background, ...nothing, colour };

  const { shape, overlap, isSpinning } = fitShape(found);
  return { background, colour, shape, overlap, ...fitMotion(found, isSpinning) };
}
