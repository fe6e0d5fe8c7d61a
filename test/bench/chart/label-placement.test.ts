import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Box, placeLabels } from "../../../tools/bench/chart/label-placement.ts";

const bounds: Box = { left: 0, top: 0, right: 400, bottom: 300 };

function overlaps(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

describe("a label", () => {
  test("a label stands right of its point where nothing is in the way", () => {
    const [label] = placeLabels([{ text: "static", x: 100, y: 100 }], [], bounds);
    expect(label).toMatchObject({ anchor: "start" });
    expect(label!.x).toBeGreaterThan(100);
  });

  test("a label goes to the other side at the right edge", () => {
    const [label] = placeLabels([{ text: "static", x: 395, y: 100 }], [], bounds);
    expect(label).toMatchObject({ anchor: "end" });
    expect(label!.box.right).toBeLessThan(395);
  });

  test("a label keeps off an obstacle that leaves it another side", () => {
    const wall: Box = { left: 104, top: 0, right: 200, bottom: 300 };
    const [label] = placeLabels([{ text: "static", x: 100, y: 100 }], [wall], bounds);
    expect(overlaps(label!.box, wall)).toBe(false);
  });

  test("a label stays inside wherever its point is, if there is room", () => {
    const inside = fc.record({ x: fc.integer({ min: 0, max: 400 }), y: fc.integer({ min: 0, max: 300 }) });
    fc.assert(
      fc.property(inside, ({ x, y }) => {
        const [label] = placeLabels([{ text: "a label", x, y }], [], bounds);
        expect(label!.box.left).toBeGreaterThanOrEqual(0);
        expect(label!.box.right).toBeLessThanOrEqual(400);
      }),
    );
  });
});

test("two labels of points close together do not cover each other", () => {
  const requests = [
    { text: "AdaCache fast", x: 200, y: 150 },
    { text: "AdaCache fast, motion", x: 208, y: 151 },
  ];
  const [first, second] = placeLabels(requests, [], bounds);
  expect(overlaps(first!.box, second!.box)).toBe(false);
});
