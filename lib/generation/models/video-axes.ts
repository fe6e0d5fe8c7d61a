import { reshape, transpose, type Value } from "../onnx/index.ts";

/** [F, C, H, W] -> [1, C, F, H, W]: frames of a batch become those of one video. */
export function asVideo(x: Value): Value {
  const [F, C, H, W] = x.shape as [number, number, number, number];
  return reshape(transpose(x, [1, 0, 2, 3]), [1, C, F, H, W]);
}

/** [1, C, F, H, W] -> [F, C, H, W] */
export function asFrames(x: Value): Value {
  const [, C, F, H, W] = x.shape as [number, number, number, number, number];
  return transpose(reshape(x, [C, F, H, W]), [1, 0, 2, 3]);
}
