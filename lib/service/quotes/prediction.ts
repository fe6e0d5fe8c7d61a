import { hasSameShape, type MeasuredRun, type Shape } from "./measured-run.ts";
import type { Range } from "./quote.ts";
import { median } from "./ranks.ts";

/** Facts that the time of a run depends on besides the number of computed steps. */
export interface PredictedRun extends Shape {
  readonly isCompared: boolean;
  readonly isAudited: boolean;
  readonly isCold: boolean;
}

/** Prediction of a run's seconds from the claim to the end, from the runs before it. */
export interface Prediction {
  /** True if it rests on runs of the same shape. */
  readonly isMeasured: boolean;
  /** Number of runs that it rests on. */
  readonly runs: number;
  /** Returns the seconds of a run with so many steps, or the bounds that scaling leaves open. */
  seconds(steps: { readonly total: number; readonly computed: number }): Range;
}

/** Number of runs of a shape whose medians are taken: few, so that a prediction follows a machine that changes. */
const NEWEST = 12;

/**
 * Exponents of the cost of a step in the number of pixels: linear layers grow linearly and attention quadratically.
 * The expected one is that of a model whose steps are half attention at twice the size.
 */
const STEP_EXPONENT: Range = { low: 1, expected: 1.3, high: 2 };

/** Slack that the runs of several shapes leave in the exponent that they tell. */
const EXPONENT_SLACK = 0.3;

/** Decoding and encoding of pictures are linear in the number of pixels. */
const PIXEL_EXPONENT: Range = { low: 0.8, expected: 1, high: 1.2 };

/** Guidance makes batches of two. */
const GUIDED = 2;

/** Predicts a run from earlier runs of its worker, oldest first; null if there are none. */
export function predicted(run: PredictedRun, before: readonly MeasuredRun[]): Prediction | null {
  const same = before.filter((each) => hasSameShape(each, run)).slice(-NEWEST);
  const nearest = same.length > 0 ? same : nearestShape(run, before).slice(-NEWEST);
  if (nearest.length === 0) return null;
  const from = nearest[0]!;
  const isMeasured = same.length > 0;
  const part = (name: "encode" | "decode" | "write" | "upload" | "computedStep") =>
    median(nearest.map(({ seconds }) => seconds[name]))!;
  const computedStep = part("computedStep");
  const reusedStep = reusedStepOf(nearest) ?? ratioOfReused(before) * computedStep;
  const rest = restOf(nearest) ?? 0;
  const load = loadOf(run, before);
  const pixels = pixelsOf(run) / pixelsOf(from);
  const batch = (run.isGuided ? GUIDED : 1) / (from.isGuided ? GUIDED : 1);
  const stepExponent = isMeasured ? STEP_EXPONENT : exponentOf(before);

  return {
    isMeasured,
    runs: nearest.length,
    seconds({ total, computed }) {
      const at = (side: keyof Range) => {
        const perStep = isMeasured ? 1 : batch * power(pixels, stepExponent, side);
        const perPixel = isMeasured ? 1 : power(pixels, PIXEL_EXPONENT, side);
        const steps = computed * computedStep + (total - computed) * reusedStep;
        const decode = part("decode") * perPixel;
        const write = part("write") * perPixel;
        const uncached = total * computedStep * perStep + decode;
        return (
          load +
          part("encode") * (run.isCompared ? 2 : 1) +
          steps * perStep +
          decode +
          write +
          part("upload") +
          rest +
          (run.isCompared ? uncached + write : 0) +
          (run.isAudited ? uncached : 0)
        );
      };
      return { expected: at("expected"), low: at("low"), high: at("high") };
    },
  };
}

/** Returns a power between those of a range of exponents; that on the low side is the smaller one. */
function power(base: number, exponent: Range, side: keyof Range): number {
  if (side === "expected") return base ** exponent.expected;
  const both = [base ** exponent.low, base ** exponent.high];
  return side === "low" ? Math.min(...both) : Math.max(...both);
}

function pixelsOf({ width, height, frames }: Shape): number {
  return width * height * frames;
}

/** Returns the runs of the shape whose number of pixels is nearest, those of the same guidance first. */
function nearestShape(run: Shape, before: readonly MeasuredRun[]): readonly MeasuredRun[] {
  const distance = (other: Shape) =>
    Math.abs(Math.log(pixelsOf(other) / pixelsOf(run))) + (other.isGuided === run.isGuided ? 0 : 0.1);
  const nearest = before.toSorted((a, b) => distance(a) - distance(b))[0];
  return nearest ? before.filter((each) => hasSameShape(each, nearest)) : [];
}

/** Returns the exponent that the steps of the two shapes tell which differ most; the assumed one without two. */
function exponentOf(before: readonly MeasuredRun[]): Range {
  const bySize = before.toSorted((a, b) => pixelsOf(a) - pixelsOf(b));
  const stepOf = (shape: MeasuredRun) =>
    median(before.filter((each) => hasSameShape(each, shape)).map(({ seconds }) => seconds.computedStep))! /
    (shape.isGuided ? GUIDED : 1);
  const [least, most] = [bySize[0]!, bySize.at(-1)!];
  const ratio = pixelsOf(most) / pixelsOf(least);
  if (ratio < 1.5) return STEP_EXPONENT;
  const told = Math.log(stepOf(most) / stepOf(least)) / Math.log(ratio);
  if (!Number.isFinite(told)) return STEP_EXPONENT;
  const expected = Math.min(STEP_EXPONENT.high, Math.max(0.5, told));
  return { expected, low: expected - EXPONENT_SLACK, high: expected + EXPONENT_SLACK };
}

function reusedStepOf(runs: readonly MeasuredRun[]): number | null {
  return median(runs.flatMap(({ seconds }) => seconds.reusedStep ?? []));
}

/** Returns the time of a reused step over that of a computed one, of all runs; at most 1. */
function ratioOfReused(runs: readonly MeasuredRun[]): number {
  const ratios = runs.flatMap(({ seconds: { reusedStep, computedStep } }) =>
    reusedStep === null || computedStep === 0 ? [] : [reusedStep / computedStep],
  );
  return Math.min(1, median(ratios) ?? 0.1);
}

/** Returns the seconds that no part accounts for, of runs that made one video. */
function restOf(runs: readonly MeasuredRun[]): number | null {
  const plain = runs.filter(({ isCompared, isAudited }) => !isCompared && !isAudited);
  return median(
    plain.map(({ seconds, computed, evaluations }) => {
      const { load, encode, decode, write, upload, make, computedStep, reusedStep } = seconds;
      const steps = computed * computedStep + (evaluations - computed) * (reusedStep ?? 0);
      return Math.max(0, make - load - encode - steps - decode - write - upload);
    }),
  );
}

/**
 * Returns the seconds of opening the model: those of runs that opened it too, or that came after a run of the same, or
 * of another shape, whose sessions are opened anew.
 */
function loadOf(run: PredictedRun, before: readonly MeasuredRun[]): number {
  const last = before.at(-1);
  const followsSame = last !== undefined && hasSameShape(last, run);
  const loads = (chosen: (each: MeasuredRun, index: number) => boolean) =>
    median(before.filter(chosen).map(({ seconds }) => seconds.load));
  const cold = loads(({ isCold }) => isCold);
  const warm = loads(
    (each, index) => !each.isCold && index > 0 && hasSameShape(before[index - 1]!, each) === followsSame,
  );
  if (run.isCold) return cold ?? Math.max(...before.map(({ seconds }) => seconds.load));
  return warm ?? (followsSame ? 0 : (cold ?? 0));
}
