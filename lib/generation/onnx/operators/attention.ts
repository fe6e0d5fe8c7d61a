import type { Value } from "../graph.ts";
import { loweringOf } from "../lowering.ts";
import { broadcastShapes, formatShape, sameShape } from "../shape.ts";
import { cast } from "./elementwise.ts";

export interface AttentionInputs {
  /** Queries [B, Nq, heads * D]. */
  readonly q: Value;
  /** Keys [B, Nk, heads * D]. */
  readonly k: Value;
  /** Values [B, Nk, heads * D]. */
  readonly v: Value;
  readonly heads: number;
  /**
   * Mask that broadcasts to [B, heads, Nq, Nk]. A float32 mask is added to the scores; a bool mask keeps the
   * keys that are true. A padding mask is [B, 1, 1, Nk], a position bias [1, heads, Nq, Nk]. A row that masks
   * every key has no defined result. Numbers below -65504 are infinite in float16.
   */
  readonly mask?: Value;
  /** Factor on the scores, 1 / sqrt(D) by default. */
  readonly scale?: number;
}

/** Multi-head scaled dot-product attention; returns [B, Nq, heads * D]. */
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
  return graph.scope("attention", () =>
    loweringOf(graph).attention({
      q: graph.asFactor(q),
      k: graph.asFactor(k),
      v: graph.asFactor(v),
      heads,
      mask: mask?.dtype === "float32" ? graph.asFactor(mask) : mask,
      scale: scale ?? 1 / Math.sqrt(width! / heads),
    }),
  );
}

/**
 * Rotary position embedding over interleaved pairs: channels (2i, 2i+1) of every head are rotated by the
 * angle of their position and i. The width D of a head is twice the width of the tables.
 *
 * @param x    [B, N, heads * D] or [B, heads, N, D]
 * @param cos  [N, D / 2]; sin alike
 * @see RoFormer (arXiv 2104.09864) eq. 34
 */
export function rotaryInterleaved(x: Value, cos: Value, sin: Value): Value {
  const { graph } = x;
  const [positions, half] = cos.shape;
  const isFlat = x.shape.length === 3;
  const heads = isFlat ? x.shape[2]! / (2 * half!) : x.shape[1]!;
  const expected = isFlat
    ? [x.shape[0]!, positions!, x.shape[2]!]
    : [x.shape[0]!, heads, positions!, 2 * half!];
  const tablesFit = cos.shape.length === 2 && sameShape(cos.shape, sin.shape);
  if (!tablesFit || !Number.isInteger(heads) || !sameShape(x.shape, expected)) {
    const tables = `${formatShape(cos.shape)} and ${formatShape(sin.shape)}`;
    graph.fail(`rotaryInterleaved: input ${formatShape(x.shape)} does not fit tables ${tables}`);
  }
  return graph.scope("rotary", () => {
    return loweringOf(graph).rotaryInterleaved(cast(x, "float32"), heads, cos, sin);
  });
}
