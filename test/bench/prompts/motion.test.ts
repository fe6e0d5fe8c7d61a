import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fitMotion, type Position } from "../../../tools/bench/prompts/motion.ts";

describe("motion", () => {
  test.each([
    ["right", 1, 0],
    ["left", -1, 0],
    ["down", 0, 1],
    ["up", 0, -1],
  ] as const)("an object that goes %s is seen to do so, slow or fast", (direction, dx, dy) => {
    const going = (pixels: number) => track((t) => ({ x: 32 + dx * pixels * t, y: 32 + dy * pixels * t }));
    expect(fitMotion(going(11), false)).toEqual({ isMoving: true, direction, motion: "slow" });
    expect(fitMotion(going(33), false)).toEqual({ isMoving: true, direction, motion: "fast" });
  });

  test("a trembling outline is still", () => {
    const tremble = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(tremble, tremble), { minLength: 16, maxLength: 16 }), (offsets) => {
        const trembling = offsets.map(([x, y], frame) => ({ frame, x: 32 + x, y: 32 + y, area: 200 }));
        expect(fitMotion(trembling, false)).toMatchObject({ isMoving: false, motion: "still" });
      }),
    );
  });

  test("a way there and back is moving, and bouncing once it is long enough", () => {
    const swing = (pixels: number) => track((t) => ({ x: 32 + pixels * Math.abs(t - 0.5), y: 32 }));
    expect(fitMotion(swing(16), false)).toMatchObject({ isMoving: true, motion: "slow" });
    expect(fitMotion(swing(60), false)).toMatchObject({ isMoving: true, motion: "bounce" });
  });

  test("growth and shrinking are read from the size, spinning from the angle, and only in place", () => {
    const sized = (from: number, to: number) => track((t) => ({ area: (from + (to - from) * t) ** 2 }));
    expect(fitMotion(sized(6, 15), false)).toMatchObject({ isMoving: false, motion: "grow" });
    expect(fitMotion(sized(15, 6), true).motion).toBe("shrink");
    expect(fitMotion(sized(10, 11), false).motion).toBe("still");
    expect(fitMotion(sized(10, 10), true).motion).toBe("spin");
  });

  test("frames in which nothing was found do not change the speed", () => {
    const whole = track((t) => ({ x: 15 + 33 * t }));
    const gappy = whole.filter(({ frame }) => frame % 3 !== 1);
    expect(fitMotion(gappy, false)).toEqual(fitMotion(whole, false));
  });
});

/** Creates a track of sixteen frames; t goes from 0 to 1. */
function track(at: (t: number) => Partial<Position>): Position[] {
  return Array.from({ length: 16 }, (_, frame) => ({ frame, x: 32, y: 32, area: 200, ...at(frame / 15) }));
}
