import { expect, test } from "vitest";
import { PreviewPace } from "../../../lib/generation/preview/index.ts";

/** Takes steps with a clock that stands still between them, and returns after which of them there was a preview. */
function previewed({ steps, stepMs, costMs }: { steps: number; stepMs: number; costMs: readonly number[] }): {
  readonly after: number[];
  readonly share: number;
} {
  let now = 0;
  let spent = 0;
  const pace = new PreviewPace(() => now);
  const after: number[] = [];
  for (let done = 1; done <= steps; done++) {
    now += stepMs;
    if (!pace.isDue(done, steps)) continue;
    const cost = costMs[Math.min(after.length, costMs.length - 1)]!;
    pace.spend(() => {
      now += cost;
    });
    spent += cost;
    after.push(done);
  }
  return { after, share: spent / now };
}

test("the first preview comes after the second step, and none comes after the last", () => {
  expect(previewed({ steps: 5, stepMs: 10_000, costMs: [1] }).after).toEqual([2, 3, 4]);
  expect(previewed({ steps: 2, stepMs: 10_000, costMs: [1] }).after).toEqual([]);
});

test("previews of cheap maps come half a second apart", () => {
  expect(previewed({ steps: 30, stepMs: 90, costMs: [0.1] }).after).toEqual([2, 8, 14, 20, 26]);
});

test("previews take a hundredth of the time of denoising, however long one takes", () => {
  const { after, share } = previewed({ steps: 100, stepMs: 1000, costMs: [50] });
  expect(after[1]).toBe(10);
  expect(after.length).toBeGreaterThan(15);
  expect(share).toBeLessThanOrEqual(0.01);
});

test("a first preview that takes long is waited for before the second", () => {
  const { after } = previewed({ steps: 100, stepMs: 1000, costMs: [200, 1] });
  expect(after.slice(0, 3)).toEqual([2, 40, 41]);
});
