/**
 * Gaussian noise that is bit-identical on every platform.
 *
 * Each value is one 32-bit word of Philox4x32-10, mapped to the open interval (0, 1) and through the inverse
 * of the normal distribution. Only +, -, *, / and sqrt are used, whose results IEEE 754 fixes to the last
 * bit. Math.log and similar functions may differ between engines.
 */
import { philox4x32 } from "./philox.ts";

export const MAX_SEED = Number.MAX_SAFE_INTEGER;

/**
 * Returns `length` independent standard normal values, |value| <= 6.34. A longer array begins with the same
 * values.
 *
 * Value i is made from word i % 4 of counter block floor(i / 4). The key is the seed's low and high 32 bits. The third
 * word of a counter is the stream.
 *
 * @param seed an integer from 0 to 2^53 - 1
 * @param stream number of an independent sequence of the same seed, from 0 to 2^32 - 1
 * @throws RangeError, in words for a user, if the seed is out of range
 */
export function gaussianNoise(seed: number, length: number, stream = 0): Float32Array {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`seed must be a whole number from 0 to ${MAX_SEED}, got ${seed}`);
  }
  const key0 = seed >>> 0;
  const key1 = Math.floor(seed / 2 ** 32);
  const noise = new Float32Array(length);
  const block = new Uint32Array(4);
  for (let start = 0; start < length; start += 4) {
    const counter = start / 4;
    block.fill(0);
    block[0] = counter;
    block[1] = Math.floor(counter / 2 ** 32);
    block[2] = stream;
    philox4x32(block, key0, key1);
    for (let word = 0; word < 4 && start + word < length; word++) {
      noise[start + word] = normalOfWord(block[word]!);
    }
  }
  return noise;
}

/**
 * Returns the normal value at the quantile (word + 1/2) / 2^32, with a relative error of about 1e-15 before
 * rounding.
 *
 * @param word an unsigned 32-bit integer
 * @see Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37
 *   (1988)
 */
export function normalOfWord(word: number): number {
  const fromMedian = (word - 2 ** 31 + 0.5) / 2 ** 32;
  if (Math.abs(fromMedian) <= 0.425) {
    const r = 0.180625 - fromMedian * fromMedian;
    return (fromMedian * polynomial(CENTRE, r)) / polynomial(CENTRE_DIVISOR, r);
  }
  // The tails are symmetric. The quantile of the lower tail is odd / 2^33, so sqrt(-ln) < 5: the far tail of
  // AS 241 is not reached.
  const odd = 2 * (fromMedian < 0 ? word : 2 ** 32 - 1 - word) + 1;
  const r = Math.sqrt(33 * Math.LN2 - lnOfInteger(odd)) - 1.6;
  const size = polynomial(TAIL, r) / polynomial(TAIL_DIVISOR, r);
  return fromMedian < 0 ? -size : size;
}

/**
 * Returns ln of an integer from 1 to 2^32 - 1, within 4e-15.
 *
 * n = f * 2^e with f from sqrt(1/2) to sqrt(2), and ln f = 2 artanh((f - 1) / (f + 1)).
 */
export function lnOfInteger(n: number): number {
  let exponent = 31 - Math.clz32(n);
  let fraction = n / ((1 << exponent) >>> 0);
  if (fraction > Math.SQRT2) {
    fraction /= 2;
    exponent += 1;
  }
  const s = (fraction - 1) / (fraction + 1);
  return exponent * Math.LN2 + 2 * s * polynomial(ARTANH, s * s);
}

/** Evaluates c[0] + c[1] x + c[2] x^2 + ... by Horner's rule. */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let index = coefficients.length - 1; index >= 0; index--) sum = sum * x + coefficients[index]!;
  return sum;
}

/** Coefficients of artanh(s) / s in powers of s^2. |s| <= 0.172, so twelve terms reach 1e-19. */
const ARTANH = Array.from({ length: 12 }, (_, index) => 1 / (2 * index + 1));

// Coefficients of AS 241, in its order, to the digits that a double holds.
const CENTRE = [
  3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
  67265.7709270087, 33430.57558358813, 2509.0809287301227,
];
const CENTRE_DIVISOR = [
  1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
  28729.085735721943, 5226.495278852854,
];
const TAIL = [
  1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
  0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
];
const TAIL_DIVISOR = [
  1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
  0.0005475938084995345, 1.0507500716444169e-9,
];
