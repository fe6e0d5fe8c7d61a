import { bfloat16ToFloat32, float16ToFloat32 } from "./half.ts";
import type { SafetensorsDType } from "./safetensors.ts";

/** Floating-point types of stored weights. */
export type FloatDType = "F32" | "F16" | "BF16";

export interface Converted {
  readonly bytes: Uint8Array;
  /** Number of finite values beyond the range of the new type. */
  readonly overflowCount: number;
}

/** Converts elements from one type to another. `bytes` starts at offset 0 of its buffer and holds whole elements. */
export type FloatConversion = (bytes: Uint8Array) => Converted;

export function isFloatDType(dtype: SafetensorsDType): dtype is FloatDType {
  return dtype === "F32" || dtype === "F16" || dtype === "BF16";
}

/**
 * Returns the conversion between two types. It rounds to the nearest value, ties to even (IEEE 754-2019,
 * section 4.3.1), and keeps infinities and NaNs.
 */
export function floatConversion(from: FloatDType, to: FloatDType): FloatConversion {
  if (from === to) return (bytes) => ({ bytes, overflowCount: 0 });
  if (from === "F32") return narrowing(to === "F16" ? toFloat16 : toBFloat16);
  const key = `${from} ${to}`;
  const known = lookups.get(key) ?? lookup(from, to);
  lookups.set(key, known);
  return known;
}

/** Cache of lookup tables, which take long to make and are needed for every tensor. */
const lookups = new Map<string, FloatConversion>();

type Narrow = (bits: number) => number;

function narrowing(narrow: Narrow): FloatConversion {
  return (bytes) => {
    const source = new Uint32Array(bytes.buffer, 0, bytes.byteLength / 4);
    const target = new Uint16Array(source.length);
    let overflowCount = 0;
    for (let i = 0; i < source.length; i++) {
      const bits = narrow(source[i]!);
      if (bits === OVERFLOW) overflowCount += 1;
      else target[i] = bits;
    }
    return { bytes: new Uint8Array(target.buffer), overflowCount };
  };
}

/** Converts all 65,536 values of a 16-bit type once, and looks elements up in that table. */
function lookup(from: FloatDType, to: FloatDType): FloatConversion {
  const every = new Uint8Array(Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits).buffer);
  const wide = new Uint32Array((from === "F16" ? float16ToFloat32 : bfloat16ToFloat32)(every).buffer);
  const table = to === "F32" ? wide : wide.map(to === "F16" ? toFloat16 : toBFloat16);
  return (bytes) => {
    const source = new Uint16Array(bytes.buffer, 0, bytes.byteLength / 2);
    const target = to === "F32" ? new Uint32Array(source.length) : new Uint16Array(source.length);
    let overflowCount = 0;
    for (let i = 0; i < source.length; i++) {
      const bits = table[source[i]!]!;
      if (bits === OVERFLOW && to !== "F32") overflowCount += 1;
      else target[i] = bits;
    }
    return { bytes: new Uint8Array(target.buffer), overflowCount };
  };
}

/** Marks an overflow: larger than any 16-bit value. */
const OVERFLOW = 2 ** 16;
const INFINITY_BITS = 0x7f800000;

function toFloat16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size >= INFINITY_BITS)
    return sign | 0x7c00 | (size === INFINITY_BITS ? 0 : 0x200 | ((size >> 13) & 0x3ff));
  if (size >= 0x477ff000) return OVERFLOW; // 65520, halfway from the largest value to 2 ** 16
  if (size >= 0x38800000) return sign | roundOff(size - (112 << 23), 13); // 2 ** -14, the smallest normal value
  if (size < 0x33000000) return sign; // 2 ** -25, half the smallest subnormal value
  return sign | roundOff((size & 0x7fffff) | 0x800000, 126 - (size >> 23));
}

function toBFloat16(bits: number): number {
  const size = bits & 0x7fffffff;
  const sign = (bits >>> 16) & 0x8000;
  if (size >= INFINITY_BITS) return (bits >>> 16) | (size === INFINITY_BITS ? 0 : 0x40);
  return size >= 0x7f7f8000 ? OVERFLOW : sign | roundOff(size, 16);
}

/**
 * Drops the last `count` bits, rounding to nearest, ties to even. A carry out of the fraction increments the
 * exponent, as it should.
 */
function roundOff(bits: number, count: number): number {
  return (bits + (1 << (count - 1)) - 1 + ((bits >> count) & 1)) >> count;
}
