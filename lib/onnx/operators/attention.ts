import type { Value } from "../graph.ts";
import { loweringOf } from "../lowering.ts";
import { broadcastShapes, formatShape, sameShape } from "../shape.ts";

export interface AttentionInputs {
  /** Queries [B, Nq, heads * D]. */
  readonly q: Value;
  /** Keys [B, Nk, heads * D]. */
  readonly k: Value;
  /** Values [B, Nk, heads * D]. */
  readonly v: Value;
  readonly heads: number;
  /**
   * Broadcastable to [B, heads, Nq, Nk]: float32 is added to the scores, bool keeps the keys marked true. A padding
   * mask is [B, 1, 1, Nk], a position bias [1, heads, Nq, Nk]. A row that masks every key has no defined result.
   */
  readonly mask?: Value;
  /** Factor on the scores, 1 / sqrt(D) by default. */
  readonly scale?: number;
}

/** Multi-head scaled dot-product attention, [B, Nq, heads * D]. */
export function attention({ q, k, v, heads, mask, scale }: AttentionInputs): Value {
  const { graph } = q;
  const [batch, queries, width] = q.shape;
  if (q.shape.length !== 3 || k.shape.length !== 3 || !sameShape(k.shape, v.shape)) {
    graph.fail(
      `attention: q ${formatShape(q.shape)}, k ${formatShape(k.shape)}, v ${formatShape(v.shape)} do not fit`,
    );
  }
  if (k.shape[0] !== batch || k.shape[2] !== width || width! % heads !== 0) {
    const shapes = `q ${formatShape(q.shape)} and k ${formatShape(k.shape)}`;
    graph.fail(`attention: ${shapes} do not fit ${heads} heads`);
  }
  const scores = [batch!, heads, queries!, k.shape[1]!];
  if (mask) {
    const stretched = mask.shape.length <= 4 && broadcastShapes(mask.shape, scores);
    if (!stretched || !sameShape(stretched, scores)) {
      graph.fail(`attention: mask ${formatShape(mask.shape)} does not broadcast to ${formatShape(scores)}`);
    }
    if (mask.dtype !== "float32" && mask.dtype !== "bool") {
      graph.fail(`attention: the mask is ${mask.dtype}, not float32 or bool`);
    }
  }
  const inputs = { q, k, v, heads, mask, scale: scale ?? 1 / Math.sqrt(width! / heads) };
  return graph.scope("attention", () => loweringOf(graph).attention(inputs));
}

/**
 * Rotary position embedding over interleaved pairs: channels (2i, 2i+1) of every head turn by the angle of their
 * position and i.
 *
 * @param x    [B, N, heads * D] (or [B, heads, N, D], where `heads` must agree)
 * @param cos  [N, D / 2]; sin alike
 * @see RoFormer (arXiv 2104.09864) eq. 34
 */
export function rotaryInterleaved(x: Value, heads: number, cos: Value, sin: Value): Value {
  const { graph } = x;
  const [, second, third] = x.shape;
  const isFlat = x.shape.length === 3;
  const positions = isFlat ? second : third;
  const headWidth = isFlat ? third! / heads : x.shape[3];
  if (
    (!isFlat && (x.shape.length !== 4 || second !== heads)) ||
    !Number.isInteger(headWidth) ||
    headWidth! % 2 !== 0
  ) {
    graph.fail(`rotaryInterleaved: ${formatShape(x.shape)} does not hold ${heads} heads of even width`);
  }
  if (!sameShape(cos.shape, [positions!, headWidth! / 2]) || !sameShape(sin.shape, cos.shape)) {
    const tables = `${formatShape(cos.shape)} and ${formatShape(sin.shape)}`;
    graph.fail(`rotaryInterleaved: tables ${tables} do not fit input ${formatShape(x.shape)}`);
  }
  return graph.scope("rotary", () => loweringOf(graph).rotaryInterleaved(x, heads, cos, sin));
}
