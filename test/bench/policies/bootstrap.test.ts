import { expect, test } from "vitest";
import { bootstrapInterval, bootstrapSamples } from "../../../tools/bench/policies/bootstrap.ts";
import { mean, quantile } from "../../../tools/bench/statistics.ts";

const values = [
  31.2, 44.8, 38.1, 52.6, 29.9, 40.3, 47.7, 35.5, 42.2, 50.1, 33.4, 45.9, 39.6, 36.7, 48.3, 41.0, 30.5, 43.1,
  37.9, 46.4,
];
const drawn = (sample: readonly number[]) => sample.map((index) => values[index]!);

/** Intervals of scipy 1.15.3, stats.bootstrap(method="percentile", n_resamples=200000, random_state=1). */
const scipy = {
  mean: { estimate: 40.76, low: 37.905, high: 43.59 },
  p10: { estimate: 31.13, low: 29.9, high: 37.63 },
};

test("the interval of a mean is that of scipy within 0.3, whose samples are others", () => {
  const { estimate, low, high } = bootstrapInterval(values.length, (sample) => mean(drawn(sample)))!;
  expect(estimate).toBeCloseTo(scipy.mean.estimate, 9);
  expect(Math.abs(low - scipy.mean.low)).toBeLessThan(0.3);
  expect(Math.abs(high - scipy.mean.high)).toBeLessThan(0.3);
});

test("the interval of a 10th percentile is that of scipy within 0.6", () => {
  const { estimate, low, high } = bootstrapInterval(values.length, (sample) => quantile(drawn(sample), 0.1))!;
  expect(estimate).toBeCloseTo(scipy.p10.estimate, 9);
  expect(Math.abs(low - scipy.p10.low)).toBeLessThan(0.6);
  expect(Math.abs(high - scipy.p10.high)).toBeLessThan(0.6);
});

test("samples are drawn from all prompts, and are the same each time", () => {
  const samples = bootstrapSamples(5, 400);
  expect(samples).toEqual(bootstrapSamples(5, 400));
  const counts = [0, 1, 2, 3, 4].map((index) => samples.flat().filter((one) => one === index).length);
  // 2000 draws: 400 of each, with a standard deviation of 18.
  for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(90);
});

test("a difference of a constant has an interval without width, because pairs are drawn together", () => {
  const interval = bootstrapInterval(values.length, (sample) => {
    const ours = mean(sample.map((index) => values[index]! + 2));
    return ours - mean(drawn(sample));
  })!;
  expect(interval.low).toBeCloseTo(2, 9);
  expect(interval.high).toBeCloseTo(2, 9);
});

test("a statistic that does not exist, or hardly ever, has no interval", () => {
  expect(bootstrapInterval(4, () => null)).toBeNull();
  const whole = [0, 1, 2, 3].join();
  expect(bootstrapInterval(4, (sample) => (sample.join() === whole ? 1 : null))).toBeNull();
});
