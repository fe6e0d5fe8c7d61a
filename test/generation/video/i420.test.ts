import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toI420 } from "../../../lib/generation/video/i420.ts";
import { plain } from "./sample-frames.ts";

// The 8-bit code values of 100 % colour bars, as published for BT.709.
test.each([
  ["white", [255, 255, 255], [235, 128, 128]],
  ["yellow", [255, 255, 0], [219, 16, 138]],
  ["cyan", [0, 255, 255], [188, 154, 16]],
  ["green", [0, 255, 0], [173, 42, 26]],
  ["magenta", [255, 0, 255], [78, 214, 230]],
  ["red", [255, 0, 0], [63, 102, 240]],
  ["blue", [0, 0, 255], [32, 240, 118]],
  ["black", [0, 0, 0], [16, 128, 128]],
])("%s has the code values of BT.709 colour bars", (_, colour, [luma, cb, cr]) => {
  const planes = toI420(plain(colour, { width: 4, height: 2, count: 1 }), 0);
  expect([...planes]).toEqual([...Array(8).fill(luma), cb, cb, cr, cr]);
});

test("a converted picture always stays inside the limited range", () => {
  const side = fc.integer({ min: 1, max: 7 });
  fc.assert(
    fc.property(
      side,
      side,
      fc.infiniteStream(fc.constantFrom(0, 1, 127, 254, 255)),
      (width, height, values) => {
        const rgb = Uint8Array.from(values.take(width * height * 3));
        const planes = toI420({ width, height, count: 1, rgb }, 0);
        const lumas = (planes.length * 2) / 3;
        expect(planes.length).toBe(((width + (width % 2)) * (height + (height % 2)) * 3) / 2);
        expect(planes.every((value, at) => value >= 16 && value <= (at < lumas ? 235 : 240))).toBe(true);
      },
    ),
  );
});

describe("chroma", () => {
  const red = [255, 0, 0];
  const black = [0, 0, 0];

  test("chroma weighs the columns 1 2 1 around its own, as left siting asks", () => {
    const rgb = Uint8Array.from([black, red, black, black].flat());
    const picture = { width: 4, height: 1, count: 1, rgb };
    const planes = toI420(picture, 0);
    // Red lies right of the first chroma sample and left of the second: a quarter for each; full red is 240.
    expect([...planes.subarray(10)]).toEqual([156, 156]);
  });

  test("chroma copies the last row and column where a side is odd", () => {
    const planes = toI420(plain(red, { width: 3, height: 3, count: 1 }), 0);
    expect([...planes]).toEqual([...Array(16).fill(63), ...Array(4).fill(102), ...Array(4).fill(240)]);
  });
});
