import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Moments } from "../../../lib/generation/preview/moments.ts";

interface Case {
  readonly name: string;
  readonly inputs: number[][];
  readonly outputs: number[][];
  readonly held_out: { readonly inputs: number[][]; readonly outputs: number[][] };
  readonly matrix: number[][];
  readonly offset: number[];
  readonly rms: number;
  readonly r2: number;
}

const golden = JSON.parse(
  readFileSync(new URL("../../golden/preview/least-squares.json", import.meta.url), "utf8"),
) as { readonly cases: Case[] };

function momentsOf({ inputs, outputs }: Pick<Case, "inputs" | "outputs">): Moments {
  const moments = new Moments(inputs[0]!.length, outputs[0]!.length);
  for (const [i, row] of inputs.entries())
    moments.add(Float64Array.from(row), Float64Array.from(outputs[i]!));
  return moments;
}

const all = (made: Pick<Case, "inputs">) => made.inputs[0]!.map((_, i) => i);

test.each(golden.cases)("the least squares fit of $name is numpy's to 1e-6 of its largest weight", (made) => {
  const { matrix, offset } = momentsOf(made).regression(all(made));
  const largest = Math.max(...made.matrix.flat().map(Math.abs));
  for (const [i, row] of made.matrix.entries()) {
    for (const [j, weight] of row.entries())
      expect(Math.abs(matrix[i]![j]! - weight)).toBeLessThan(1e-6 * largest);
    expect(Math.abs(offset[i]! - made.offset[i]!)).toBeLessThan(1e-5 * largest);
  }
});

test.each(golden.cases)("the error of the fit of $name at other points is numpy's to 1e-6", (made) => {
  const { rms, r2 } = momentsOf(made.held_out).errorOf(momentsOf(made).regression(all(made)));
  expect(Math.abs(rms / made.rms - 1)).toBeLessThan(1e-6);
  expect(Math.abs(r2 - made.r2)).toBeLessThan(1e-6);
});

test("moments of two halves are those of the whole", () => {
  const [made] = golden.cases as [Case];
  const half = made.inputs.length / 2;
  const part = (from: number, to: number) =>
    momentsOf({ inputs: made.inputs.slice(from, to), outputs: made.outputs.slice(from, to) });
  const both = part(0, half)
    .with(part(half, 2 * half))
    .regression(all(made));
  const whole = momentsOf(made).regression(all(made));
  for (const [i, row] of whole.matrix.entries())
    for (const [j, weight] of row.entries()) expect(both.matrix[i]![j]).toBeCloseTo(weight, 9);
});

test("an input that never changes, or repeats another, leaves finite weights that fit as well", () => {
  const moments = new Moments(3, 1);
  for (let x = 0; x < 50; x++) moments.add(Float64Array.of(x, 7, x), Float64Array.of(2 * x + 1));
  const fit = moments.regression([0, 1, 2]);
  expect(fit.matrix.flat().every(Number.isFinite)).toBe(true);
  expect(moments.errorOf(fit).rms).toBeLessThan(1e-3);
});
