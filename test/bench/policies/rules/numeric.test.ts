import { describe, expect, test } from "vitest";
import { fitPolynomial, polynomialValue } from "../../../../tools/bench/policies/rules/polynomial.ts";
import { seaFilter, seaGains } from "../../../../tools/bench/policies/rules/sea-filter.ts";
import { golden } from "./recorded-signals.ts";

describe("the polynomial of TeaCache", () => {
  test("the fit has the coefficients of numpy.polyfit", () => {
    const { inputs, outputs, coefficients } = golden.polynomial;
    const fitted = fitPolynomial(inputs, outputs);
    for (const [index, theirs] of coefficients.entries()) expect(fitted[index]! / theirs).toBeCloseTo(1, 7);
  });

  test("the values are those of Horner's scheme, the highest power first", () => {
    expect(polynomialValue([2, 0, -1], 3)).toBe(17);
    expect(polynomialValue([], 3)).toBe(0);
  });

  test("inputs that determine no polynomial throw one sentence", () => {
    expect(() => fitPolynomial([1, 1, 1, 1, 1], [1, 2, 3, 4, 5])).toThrow(
      "a polynomial of degree 4 needs 5 different inputs, got 1",
    );
    expect(() => fitPolynomial([1, 2], [1])).toThrow("2 inputs cannot be fitted to 1 outputs");
    expect(() => fitPolynomial([1, Number.NaN], [1, 2], 1)).toThrow("a fit needs finite inputs and outputs");
  });
});

describe("the filter of SeaCache", () => {
  test("the filtered latents are those of diffusers at every sigma", () => {
    const { shape, latent, filtered } = golden.filter;
    const values = latent.map((value) => value / golden.unit);
    for (const { sigma, values: theirs } of filtered) {
      const ours = seaFilter(values, shape, sigma);
      const error = Math.max(...theirs.map((value, index) => Math.abs(value - ours[index]!)));
      expect(error, `sigma ${sigma}`).toBeLessThan(2e-5 * Math.max(...theirs.map(Math.abs)));
    }
  });

  test("a latent without noise is kept, and at pure noise nothing but the mean of a channel is left", () => {
    const latent = [1, 2, 3, 4, 5, 6, 7, 9];
    const kept = seaFilter(latent, [1, 2, 2, 2], 0);
    for (const [index, value] of latent.entries()) expect(kept[index]).toBeCloseTo(value, 4);
    const mean = latent.reduce((sum, value) => sum + value, 0);
    for (const value of seaFilter(latent, [1, 2, 2, 2], 1)) expect(value / mean).toBeCloseTo(1, 4);
  });

  test("the gains fall with the frequency and have a mean of 1", () => {
    const gains = seaGains(0.7, 9);
    expect(gains.reduce((sum, gain) => sum + gain, 0) / 9).toBeCloseTo(1, 12);
    for (const index of [1, 2, 3, 4]) {
      expect(gains[index]!).toBeLessThan(gains[index - 1]!);
      expect(gains[9 - index]).toBe(gains[index]);
    }
  });

  test("a sigma or a shape that cannot be throws one sentence", () => {
    expect(() => seaGains(1.5, 4)).toThrow("sigma has to be 0 to 1, got 1.5");
    expect(() => seaFilter([1, 2], [1, 1, 1, 3], 0.5)).toThrow(
      "a latent of 1 x 1 x 1 x 3 has 3 values, got 2",
    );
  });
});
