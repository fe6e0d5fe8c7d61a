import { concat, expand, type Graph, reshape, type Value } from "../../onnx/index.ts";
import type { VideoShape } from "../diffusion-transformer.ts";
import type { Feeding } from "./feeding.ts";

/**
 * Rotary position embedding of LTX-Video (arXiv 2501.00103) over a grid of tokens. Coordinates of a token are the
 * time, row and column where it begins, as shares of a largest video. The pairs of the whole width, not those of each
 * head, are divided among frequencies, and within a frequency among the three coordinates.
 */

/** Seconds, height and width in pixels of the video whose end has the coordinates 1. */
const LARGEST = [20, 2048, 2048] as const;

const PERIOD = 10_000;

/**
 * Returns cosines and sines [tokens, width / 2] of the tokens of a video. Pairs that are left over by six turn by no
 * angle; they come first.
 */
export function rotaryTables(
  g: Graph,
  video: VideoShape,
  { width, timedBy }: { readonly width: number; readonly timedBy: Feeding["timedBy"] },
): { cos: Value; sin: Value } {
  const { frames, height, width: columns } = video.latent;
  const counts = [frames, height, columns];
  const axes = [
    timesOf(video, timedBy),
    { positions: upTo(height), step: video.height / height },
    { positions: upTo(columns), step: video.width / columns },
  ];
  const angles = axes.map((along, axis) => anglesAlong(along, LARGEST[axis]!, width));
  return { cos: table(Math.cos), sin: table(Math.sin) };

  function table(of: (angle: number) => number): Value {
    const frequencies = Math.floor(width / 6);
    const perAxis = angles.map((values, axis) => {
      const along = [1, 1, 1].with(axis, counts[axis]!);
      const own = g.constant(values.map(of), [...along, frequencies, 1]);
      return expand(own, [...counts, frequencies, 1]);
    });
    const pairs = reshape(concat(perAxis as [Value, ...Value[]], -1), [-1, 3 * frequencies]);
    const left = width / 2 - 3 * frequencies;
    if (left === 0) return pairs;
    const still = expand(g.constant(Float32Array.of(of(0)), [1, 1]), [pairs.shape[0]!, left]);
    return concat([still, pairs], 1);
  }
}

/** Positions of tokens along an axis in equal units, and the size of a unit. */
interface Axis {
  readonly positions: readonly number[];
  /** Seconds or pixels of a unit. */
  readonly step: number;
}

/**
 * Returns the times of the latent frames. The first latent frame is the first frame of the video; any other stands for
 * several, and has the time of the first or of the last of them.
 */
function timesOf(video: VideoShape, timedBy: Feeding["timedBy"]): Axis {
  const rate = framesPerLatent(video);
  const latentFrames = upTo(video.latent.frames);
  if (timedBy === "last") return { positions: latentFrames, step: rate / video.fps };
  const firsts = latentFrames.map((i) => Math.max(0, rate * i - rate + 1));
  return { positions: firsts, step: 1 / video.fps };
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/**
 * Returns the frames of the video for each latent frame after the first.
 *
 * @throws RangeError if the number of frames is not known
 */
function framesPerLatent({ latent, frames }: VideoShape): number {
  if (latent.frames === 1) return 1;
  if (frames !== undefined) return (frames - 1) / (latent.frames - 1);
  throw new RangeError("This model has to know the number of frames of the video.");
}

/**
 * Returns the angles along one axis [count, frequencies]. Rounds to float32 wherever the reference does: the largest
 * angles are in the ten thousands, where float32 has three digits left behind the point.
 */
function anglesAlong({ positions, step }: Axis, largest: number, width: number): Float32Array {
  const frequencies = frequenciesOf(Math.floor(width / 6));
  const angles = new Float32Array(positions.length * frequencies.length);
  for (const [i, position] of positions.entries()) {
    const share = Math.fround(Math.fround(position * Math.fround(step)) / largest); // 0 to 1
    const centred = Math.fround(2 * share - 1);
    for (const [k, frequency] of frequencies.entries())
      angles[i * frequencies.length + k] = frequency * centred;
  }
  return angles;
}

/** Returns the frequencies, from a quarter turn to 10,000 of them in equal ratios. */
function frequenciesOf(count: number): Float32Array {
  const step = Math.fround(1 / (count - 1));
  return Float32Array.from({ length: count }, (_, k) => {
    const exponent =
      k < count / 2 ? Math.fround(step * k) : Math.fround(1 - Math.fround(step * (count - 1 - k)));
    const turns = Math.fround(PERIOD ** (count === 1 ? 0 : exponent));
    return Math.fround(turns * Math.fround(Math.PI)) / 2;
  });
}
