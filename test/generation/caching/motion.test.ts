import { describe, expect, test } from "vitest";
import { isInWindow, motionFactor, motionFor, motionWeight } from "../../../lib/generation/caching/motion.ts";

const motion = motionFor(30);
const inside = (of: number, total: number) => {
  const steps = Array.from({ length: total }, (_, index) => index + 1);
  const computed = steps.filter((step) => isInWindow(motionFor(of).window, step - 1, total));
  return [computed[0], computed.at(-1)];
};

describe("the window", () => {
  test("the motion window is steps 4 to 26 of 30 and 10 to 90 of 100, as published", () => {
    expect([inside(30, 30), inside(100, 100)]).toEqual([
      [4, 26],
      [10, 90],
    ]);
  });

  test("the motion window scales with the number of steps between and below them", () => {
    expect([inside(50, 50), inside(60, 60), inside(10, 10)]).toEqual([
      [7, 43],
      [6, 54],
      [1, 9],
    ]);
  });
});

describe("the motion weight", () => {
  test("the motion weight is 1 at the reference score and steep around it", () => {
    expect(motionWeight(motion, 0.385, 9, 30)).toBe(1);
    expect(motionWeight(motion, 0.35, 9, 30)).toBeCloseTo(0.4665, 4);
    expect(motionWeight(motion, 0.42, 9, 30)).toBeCloseTo(2.0059, 4);
  });

  test("the motion weight has divisor 1, not the 1.2 that the authors' 4-tuple (0.385, 8, 1,2) may have meant", () => {
    expect(motion.divisor).toBe(1);
    expect(motionWeight({ ...motion, divisor: 1.2 }, 0.385, 9, 30)).toBe(1 / 1.2);
  });

  test("the motion weight is 1 outside the window and without a score", () => {
    expect(motionWeight(motion, 0.6, 2, 30)).toBe(1);
    expect(motionWeight(motion, 0.6, 26, 30)).toBe(1);
    expect(motionWeight(motion, null, 9, 30)).toBe(1);
  });
});

describe("the motion factor", () => {
  test("the motion factor adds the gradient's size whether motion grows or falls", () => {
    expect(motionFactor(motion, 1.5, 1, 5)).toBe(2.5);
    expect(motionFactor(motion, 0.5, 1, 5)).toBe(1.5);
  });

  test("the motion factor keeps the gradient at the window's edge, with which the codebooks were tuned", () => {
    const entering = motionWeight(motion, 0.3, 3, 30);
    const before = motionWeight(motion, 0.3, 2, 30);
    expect(motionFactor(motion, entering, before, 1)).toBeGreaterThan(8);
  });
});
