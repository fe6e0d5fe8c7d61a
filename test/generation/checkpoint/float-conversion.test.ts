import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FloatDType, floatConversion } from "../../../lib/generation/checkpoint/float-conversion.ts";
import { bfloat16ToFloat32, float16ToFloat32 } from "../../../lib/generation/checkpoint/half.ts";

function halfOf(bits: number, to: FloatDType): { bits: number; overflowCount: number } {
  const { bytes, overflowCount } = floatConversion("F32", to)(new Uint8Array(Uint32Array.of(bits).buffer));
  return { bits: new Uint16Array(bytes.buffer)[0]!, overflowCount };
}

const everyHalf = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);
const bytesOf = (words: Uint16Array | Uint32Array | Float32Array) => new Uint8Array(words.slice().buffer);

describe("float32 to float16", () => {
  // Bits by numpy 2.4: np.uint32(bits).view(np.float32).astype(np.float16).view(np.uint16).
  test.each([
    [0x3f800000, 0x3c00], // 1
    [0x3f801000, 0x3c00], // 1 + 2^-11, a tie, to even below
    [0x3f801001, 0x3c01], // just above the tie
    [0x3f803000, 0x3c02], // 1 + 3 * 2^-11, a tie, to even above
    [0x3fffffff, 0x4000], // the carry reaches the exponent
    [0x477fe000, 0x7bff], // 65504, the largest
    [0x477fefff, 0x7bff], // just below 65520
    [0xc77fefff, 0xfbff],
    [0x38800000, 0x0400], // 2^-14, the least normal
    [0x387fffff, 0x0400], // rounds up into the normal ones
    [0x387fc000, 0x03ff], // the largest subnormal
    [0x33800000, 0x0001], // 2^-24, the least
    [0x33000000, 0x0000], // 2^-25, a tie with 0
    [0x33000001, 0x0001],
    [0x33c00000, 0x0002], // 1.5 * 2^-24, a tie, to even above
    [0xb3000001, 0x8001],
    [0x80000000, 0x8000], // -0
    [0x00000001, 0x0000],
    [0x7f800000, 0x7c00],
    [0xff800000, 0xfc00],
    [0x7fc00000, 0x7e00],
  ])("the float32 bits %i become the float16 bits %i", (from, to) => {
    expect(halfOf(from, "F16")).toEqual({ bits: to, overflowCount: 0 });
  });

  test.each([0x477ff000, 0xc77ff000, 0x7f7fffff])(
    "the float32 bits %i overflow float16, and are counted",
    (bits) => {
      expect(halfOf(bits, "F16").overflowCount).toBe(1);
    },
  );

  test("a value is converted to the nearest float16", () => {
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const { bits } = halfOf(new Uint32Array(Float32Array.of(value).buffer)[0]!, "F16");
        const neighbours = [bits - 1, bits, bits + 1].filter((b) => b >= 0 && (b & 0x7fff) <= 0x7bff);
        const distances = [...float16ToFloat32(bytesOf(Uint16Array.from(neighbours)))].map((near) =>
          Math.abs(near - value),
        );
        expect(distances[neighbours.indexOf(bits)]).toBe(Math.min(...distances));
      }),
    );
  });
});

describe("float32 to bfloat16", () => {
  test.each([
    [0x3f808000, 0x3f80], // a tie, to even below
    [0x3f818000, 0x3f82], // a tie, to even above
    [0x3f808001, 0x3f81],
    [0xbfffffff, 0xc000],
    [0x7f7f7fff, 0x7f7f],
    [0x00008000, 0x0000],
    [0x00018000, 0x0002],
    [0x80000000, 0x8000],
    [0x7f800000, 0x7f80],
    [0x7f800001, 0x7fc0], // a NaN stays one
  ])("the float32 bits %i become the bfloat16 bits %i", (from, to) => {
    expect(halfOf(from, "BF16")).toEqual({ bits: to, overflowCount: 0 });
  });

  test("a value that would round to infinity in bfloat16 is counted", () => {
    expect(halfOf(0x7f7f8000, "BF16").overflowCount).toBe(1);
  });
});

describe.each([
  ["F16", float16ToFloat32],
  ["BF16", bfloat16ToFloat32],
] as const)("%s", (dtype, widen) => {
  test("every 16-bit value converts to float32 exactly, and back", () => {
    const wide = floatConversion(dtype, "F32")(bytesOf(everyHalf)).bytes;
    expect(new Float32Array(wide.slice().buffer)).toEqual(widen(bytesOf(everyHalf)));
    const back = new Uint16Array(floatConversion("F32", dtype)(wide).bytes.buffer);
    const isNotANumber = (bits: number) => Number.isNaN(widen(bytesOf(Uint16Array.of(bits)))[0]);
    expect([...everyHalf].filter((bits) => back[bits] !== bits && !isNotANumber(bits))).toEqual([]);
  });

  test("one 16-bit type converts to the other by way of float32", () => {
    const other = dtype === "F16" ? "BF16" : "F16";
    const direct = floatConversion(dtype, other)(bytesOf(everyHalf));
    const wide = floatConversion(dtype, "F32")(bytesOf(everyHalf)).bytes;
    expect(direct).toEqual(floatConversion("F32", other)(wide));
  });
});
