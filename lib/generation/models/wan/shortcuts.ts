import { expand, pad, reduceMean, reshape, slice, transpose, type Value } from "../../onnx/index.ts";

/**
 * Shortcuts without parameters around the stages of Wan 2.2's autoencoder, and its patches of pixels. In shapes F, H, W
 * are those of x.
 */

/** Factors by which a stage changes frames and edges: 1 or 2. */
export interface StageFactors {
  readonly time: 1 | 2;
  readonly space: 1 | 2;
}

/**
 * Folds neighbouring elements of [1, C, F, H, W] into channels and averages groups of them: [1, out, F / time, H /
 * space, W / space]. Zeros in front of the first frame fill up its group.
 */
export function averagedDown(x: Value, out: number, { time, space }: StageFactors): Value {
  const [, C] = x.shape as [number, number];
  const none = [0, 0] as const;
  const missing = (time - (x.shape[2]! % time)) % time;
  const whole = missing === 0 ? x : pad(x, [none, none, [missing, 0], none, none]);
  const [F, H, W] = [whole.shape[2]! / time, whole.shape[3]! / space, whole.shape[4]! / space];
  const parts = reshape(whole, [C, F, time, H, space, W, space]);
  const folded = transpose(parts, [0, 2, 4, 6, 1, 3, 5]); // [C, time, space, space, F, H, W]
  const groups = reshape(folded, [out, (C * time * space * space) / out, F * H * W]);
  return reshape(reduceMean(groups, { axes: [1] }), [1, out, F, H, W]);
}

/**
 * Repeats the channels of [1, C, F, H, W] and unfolds them into neighbouring elements: [1, out, F * time, H * space, W
 * * space]. At the beginning of a video the first frame is not repeated.
 */
export function repeatedUp(
  x: Value,
  out: number,
  { time, space, isBeginning }: StageFactors & { readonly isBeginning: boolean },
): Value {
  const [, C, F, H, W] = x.shape as [number, number, number, number, number];
  const repeats = (out * time * space * space) / C;
  const repeated = expand(reshape(x, [C, 1, F * H * W]), [C, repeats, F * H * W]);
  const parts = reshape(repeated, [out, time, space, space, F, H, W]);
  const unfolded = transpose(parts, [0, 4, 1, 5, 2, 6, 3]); // [out, F, time, H, space, W, space]
  const y = reshape(unfolded, [1, out, F * time, H * space, W * space]);
  return isBeginning && time > 1 ? slice(y, 2, time - 1, F * time) : y;
}

/** Folds patches of size x size pixels into channels: [F, C, H, W] to [F, C * size * size, H / size, W / size]. */
export function toPatches(x: Value, size: number): Value {
  const [F, C, H, W] = x.shape as [number, number, number, number];
  const parts = reshape(x, [F, C, H / size, size, W / size, size]);
  // A channel is followed by its columns, and a column by its rows.
  return reshape(transpose(parts, [0, 1, 5, 3, 2, 4]), [F, C * size * size, H / size, W / size]);
}

/** Unfolds patches from channels: the reverse of `toPatches`. */
export function fromPatches(x: Value, size: number): Value {
  const [F, C, H, W] = x.shape as [number, number, number, number];
  const parts = reshape(x, [F, C / size ** 2, size, size, H, W]);
  return reshape(transpose(parts, [0, 1, 4, 3, 5, 2]), [F, C / size ** 2, H * size, W * size]);
}
