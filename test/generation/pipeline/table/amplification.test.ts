import { expect, it } from "vitest";
import {
  amplificationsAt,
  measureAmplification,
  triedSteps,
} from "../../../../lib/generation/pipeline/table/amplification.ts";
import { linearVideos, SLOPES } from "./linear-videos.ts";

const steps = 30;

it("the amplification of a linear model is the product of what its later steps do to a latent", async () => {
  const measured = await measureAmplification(linearVideos(steps), [{ steps } as never, { steps } as never]);
  expect(measured.map(({ level }) => level)).toEqual(
    [...triedSteps(steps), steps - 1].map((step) => 1 - step / steps),
  );
  for (const { level, amplification } of measured) {
    const step = Math.round((1 - level) * steps);
    const growths = Array.from({ length: steps - 1 - step }, (_, i) => 1 + SLOPES(step + 1 + i) / steps);
    const expected = growths.reduce((product, growth) => product * growth, 1);
    // The change is a difference of float32 latents.
    expect(amplification / expected).toBeCloseTo(1, 3);
  }
});

it("a measurement computes no step before the one whose residual is replaced", async () => {
  const videos = linearVideos(steps);
  await measureAmplification(videos, [{ steps } as never]);
  const [trunk, ...branches] = videos.computed;
  expect(trunk).toBe(steps);
  expect(branches).toEqual(triedSteps(steps).map((step) => steps - step - 1));
});

it("a step after which another transformer takes over reuses no residual of the other one", async () => {
  const videos = linearVideos(steps, { boundary: 7 });
  const measured = await measureAmplification(videos, [{ steps } as never]);
  const tried = measured.map(({ level }) => Math.round((1 - level) * steps));
  expect(triedSteps(steps)).not.toContain(7);
  expect(videos.strangers).toBe(0);
  expect(tried).toEqual([...triedSteps(steps), steps - 1]);
  const at = linearVideos(steps, { boundary: triedSteps(steps)[3]! });
  const without = await measureAmplification(at, [{ steps } as never]);
  expect(at.strangers).toBe(0);
  expect(without).toHaveLength(triedSteps(steps).length);
});

it("steps to try lie more densely at the start, and neither the first nor the last is among them", () => {
  expect(triedSteps(30)).toEqual([1, 2, 4, 6, 8, 10, 13, 16, 19, 22, 25]);
  expect(triedSteps(4)).toEqual([1, 2]);
});

it("amplifications are interpolated in their logarithm, and constant beyond those that were measured", () => {
  const measured = [
    { level: 0.8, amplification: 4 },
    { level: 0.4, amplification: 1 },
  ];
  const [high, top, middle, low] = amplificationsAt([1, 0.8, 0.6, 0.1], measured);
  expect([high, top, low]).toEqual([4, 4, 1]);
  expect(middle).toBeCloseTo(2, 12);
});
