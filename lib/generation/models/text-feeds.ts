import type { Tensor } from "../onnx/index.ts";
import type { TextStates } from "./conditions/condition.ts";

/**
 * Mask value, which is added to the score of a padded key: its exponential is 0, and float16 can hold its sum with a
 * score.
 */
export const MASKED = -3e4;

/** Returns an additive mask over keys: 0 for the first `tokens` positions, and `MASKED` for the padding after them. */
export function keyMask(tokens: number, length: number): Float32Array {
  return new Float32Array(length).fill(MASKED, tokens);
}

/**
 * Combines texts of different lengths into one batch: `text` [B, L, D] padded with zeros and `textMask` [B, L] for the
 * keys.
 *
 * @throws RangeError if a text has no token, more than `length`, or rows of another width
 */
export function paddedText(
  texts: readonly TextStates[],
  length: number,
  width: number,
): { readonly text: Tensor; readonly textMask: Tensor } {
  const text = new Float32Array(texts.length * length * width);
  const mask = new Float32Array(texts.length * length);
  for (const [i, { tokens, data }] of texts.entries()) {
    if (!(tokens >= 1 && tokens <= length)) {
      throw new RangeError(`A text must have from 1 to ${length} tokens, and this one has ${tokens}.`);
    }
    if (data.length !== tokens * width) {
      throw new RangeError(
        `${tokens} tokens need ${tokens} x ${width} numbers, and there are ${data.length}.`,
      );
    }
    text.set(data, i * length * width);
    mask.set(keyMask(tokens, length), i * length);
  }
  return {
    text: { dtype: "float32", shape: [texts.length, length, width], data: text },
    textMask: { dtype: "float32", shape: [texts.length, length], data: mask },
  };
}
