import { describe, expect, test } from "vitest";
import { bfloat16ToFloat32, float16ToFloat32 } from "../../../lib/generation/checkpoint/half.ts";

const bytesOf = (...words: number[]) => new Uint8Array(Uint16Array.from(words).buffer);

describe("float16", () => {
  // Values from IEEE 754-2008: largest, smallest normal, smallest subnormal, and the special ones.
  test.each([
    [0x0000, 0],
    [0x8000, -0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x0001, 2 ** -24],
    [0x83ff, -(1023 / 1024) * 2 ** -14],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
    [0x7e00, Number.NaN],
  ])("the float16 bits %i are %d", (bits, value) => {
    expect(float16ToFloat32(bytesOf(bits))).toEqual(Float32Array.of(value));
  });
});

describe("bfloat16", () => {
  test.each([
    [0x0000, 0],
    [0x3f80, 1],
    [0xc000, -2],
    [0x4049, 3.140625],
    [0x7f7f, 3.3895313892515355e38],
    [0x0080, 2 ** -126],
    [0xff80, Number.NEGATIVE_INFINITY],
    [0x7fc0, Number.NaN],
  ])("the bfloat16 bits %i are %d", (bits, value) => {
    expect(bfloat16ToFloat32(bytesOf(bits))).toEqual(Float32Array.of(value));
  });
});
