import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { largestBlob } from "../../../tools/bench/prompts/blob.ts";
import { overlap, totalTurn } from "../../../tools/bench/prompts/shape.ts";

describe("the largest blob", () => {
  test("the largest blob leaves out smaller ones and those that touch it by a corner only", () => {
    const mask = paint(10, (x, y) => (x < 4 && y < 4) || (x >= 4 && x < 6 && y >= 4 && y < 6) || y === 9);
    const blob = largestBlob(mask, 10, 10)!;
    expect(blob).toMatchObject({ area: 16, x: 2, y: 2 });
    expect(blob.mask.reduce((sum, value) => sum + value, 0)).toBe(16);
  });

  test("the largest blob does not connect the end of a row with the start of the next", () => {
    const mask = paint(8, (x, y) => (x >= 5 && y < 4) || (x < 2 && y >= 1 && y < 5));
    expect(largestBlob(mask, 8, 8)).toMatchObject({ area: 12, x: 6.5, y: 2 });
  });

  test("the largest blob of a few specks is null", () => {
    expect(largestBlob(new Uint8Array(100), 10, 10)).toBeNull();
    expect(
      largestBlob(
        paint(10, (x, y) => x < 3 && y < 3),
        10,
        10,
      ),
    ).toBeNull();
  });
});

describe("overlap", () => {
  const square = largestBlob(
    paint(64, (x, y) => x >= 20 && x < 40 && y >= 10 && y < 30),
    64,
    64,
  )!;

  test("the overlap of two squares of one size is 1 at every quarter turn", () => {
    expect(overlap(square, "square", 0)).toBeCloseTo(1, 10);
    expect(overlap(square, "square", Math.PI / 2)).toBeCloseTo(1, 10);
  });

  test("the overlap of a square and a circle of its area is what geometry says", () => {
    // Side 1, radius r = 1/sqrt(pi): each of four caps beyond the sides is r^2 (a - sin a cos a), a = acos(1/2r).
    const r = 1 / Math.sqrt(Math.PI);
    const a = Math.acos(1 / (2 * r));
    const inside = 1 - 4 * r * r * (a - Math.sin(a) * Math.cos(a));
    expect(overlap(square, "circle", 0)).toBeCloseTo(inside / (2 - inside), 1);
  });
});

test("a rotation is found in either direction and across the wrap of angles", () => {
  const symmetry = Math.PI / 2;
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: symmetry, noNaN: true }),
      fc.double({ min: -0.75, max: 0.75, noNaN: true }),
      (start, step) => {
        const angles = Array.from({ length: 16 }, (_, i) => modulo(start + i * step, symmetry));
        expect(totalTurn(angles, symmetry)).toBeCloseTo(15 * step, 6);
      },
    ),
  );
});

function paint(size: number, isSet: (x: number, y: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: size * size }, (_, at) =>
    isSet(at % size, Math.floor(at / size)) ? 1 : 0,
  );
}

function modulo(value: number, by: number): number {
  return value - by * Math.floor(value / by);
}
