import { reshape, transpose, type Value } from "../onnx/index.ts";

/** Turns a batch of frames [F, C, H, W] into one video [1, C, F, H, W]. */
export function asVideo(x: Value): Value {
  const [F, C, H, W] = x.shape as [number, number, number, number];
  return reshape(transpose(x, [1, 0, 2, 3]), [1, C, F, H, W]);
}

/** Turns a video [1, C, F, H, W] into a batch of frames [F, C, H, W]. */
export function asFrames(x: Value): Value {
  const [, C, F, H, W] = x.shape as [number, number, number, number, number];
  return transpose(reshape(x, [C, F, H, W]), [1, 0, 2, 3]);
}
