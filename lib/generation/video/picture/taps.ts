import { FILTERS, type FilterName } from "./filters.ts";

/**
 * Library whose integer arithmetic is followed. In the results of the two, a few values of a pixel differ by a level.
 */
export type Arithmetic = "pil" | "torch";

/** Resampling of one side of a picture. The results from `from` on are wanted, `count` of them. */
export interface Resampling {
  readonly source: number;
  readonly target: number;
  readonly filter: FilterName;
  readonly arithmetic: Arithmetic;
  readonly from: number;
  readonly count: number;
}

/** Weighted source positions of each result along one side: the one in `starts` and those after it. */
export interface Taps {
  readonly starts: Int32Array;
  /** Integers, `reach` for each result. Positions beyond the edge of the picture have the weight 0. */
  readonly weights: Int32Array;
  readonly reach: number;
  /** Bits of a weight behind the binary point. */
  readonly precision: number;
}

/** Returns the taps of a side. Where the side shrinks, the filter is widened by as much. */
export function tapsOf({ source, target, filter, arithmetic, from, count }: Resampling): Taps {
  const { support, weight } = FILTERS[filter];
  const scale = source / target;
  const stretch = Math.max(1, scale);
  const reach = Math.min(source, Math.ceil(support * stretch) * 2 + 1);
  // Torch's precision depends on the weights of the whole side.
  const [first, last] = arithmetic === "torch" ? [0, target] : [from, from + count];
  const starts = new Int32Array(last - first);
  const shares = new Float64Array(starts.length * reach);
  for (let i = 0; i < starts.length; i++) {
    const centre = (first + i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support * stretch + 0.5));
    const end = Math.min(source, Math.trunc(centre + support * stretch + 0.5));
    const own = shares.subarray(i * reach, i * reach + end - start);
    for (let k = 0; k < own.length; k++) own[k] = weight((start + k - centre + 0.5) / stretch);
    const sum = own.reduce((total, share) => total + share, 0);
    for (let k = 0; k < own.length; k++) own[k]! /= sum;
    starts[i] = start;
  }
  const precision = arithmetic === "torch" ? precisionOfTorch(shares) : PRECISION_OF_PIL;
  const wanted = from - first;
  return {
    starts: starts.subarray(wanted, wanted + count),
    weights: Int32Array.from(shares.subarray(wanted * reach, (wanted + count) * reach), (share) =>
      Math.trunc(share * 2 ** precision + (share < 0 ? -0.5 : 0.5)),
    ),
    reach,
    precision,
  };
}

/** Bits that a signed sum of 32 bits has beside the 8 of a value and 2 for the overshoot of a filter. */
const PRECISION_OF_PIL = 22;

/** Returns the most bits behind the point with which the largest weight fits a signed 16-bit integer. */
function precisionOfTorch(shares: Float64Array): number {
  const largest = shares.reduce((most, share) => Math.max(most, share), 0);
  let precision = 0;
  while (precision < PRECISION_OF_PIL && Math.trunc(0.5 + largest * 2 ** (precision + 1)) < 2 ** 15)
    precision++;
  return precision;
}
