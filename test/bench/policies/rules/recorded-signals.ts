/** Golden decisions of public implementations, and the signals that a pipeline would measure on their sequences. */
import { readFileSync } from "node:fs";
import type { DiCacheSignal } from "../../../../tools/bench/policies/rules/dicache.ts";
import type { DriftSignal } from "../../../../tools/bench/policies/rules/first-block.ts";
import type {
  InputChangeSignal,
  OutputChangeSignal,
} from "../../../../tools/bench/policies/rules/input-change.ts";
import { seaFilter } from "../../../../tools/bench/policies/rules/sea-filter.ts";

export type Row = readonly number[];
export type Shape = readonly [number, number, number, number];

export interface Sequence {
  readonly steps: number;
  /** Integers [steps, width] in units of 1 / `unit`. */
  readonly latent: readonly Row[];
  readonly output: readonly Row[];
  readonly probe: readonly Row[];
}

export interface GoldenCase {
  readonly rule: string;
  /** Index of the sequence; rules that know the step alone have `steps` instead. */
  readonly sequence?: number;
  readonly steps?: number;
  // biome-ignore lint/suspicious/noExplicitAny: each rule has options of its own, checked where it starts
  readonly options: any;
  readonly computed: number[];
  /** [step, weight] of each kept value, the newest first, by reused step; weights of 0 are left out. */
  readonly weights?: Readonly<Record<string, [number, number][]>>;
  readonly resampled?: number[];
}

export interface Golden {
  readonly unit: number;
  readonly latentShape: Shape;
  readonly filter: {
    readonly shape: Shape;
    readonly latent: Row;
    readonly filtered: readonly { readonly sigma: number; readonly values: Row }[];
  };
  readonly polynomial: { readonly inputs: Row; readonly outputs: Row; readonly coefficients: Row };
  readonly sequences: readonly Sequence[];
  readonly cases: readonly GoldenCase[];
}

const file = new URL("../../../golden/rival-policies.json", import.meta.url);
export const golden: Golden = JSON.parse(readFileSync(file, "utf8"));

function size(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += Math.abs(values[index]!);
  return sum / values.length;
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return size(Array.from(a, (value, index) => value - b[index]!));
}

/** Relative change of a signal since the step before. */
export function changeOf(rows: readonly ArrayLike<number>[], step: number): number | null {
  return step === 0 ? null : distance(rows[step]!, rows[step - 1]!) / size(rows[step - 1]!);
}

/** Relative drift of the probe since the newest computed step. */
export function driftOf({ probe }: Sequence, step: number, computed: readonly number[]): DriftSignal {
  const newest = computed[0];
  return {
    drift: newest === undefined ? null : distance(probe[step]!, probe[newest]!) / size(probe[newest]!),
  };
}

export function inputChangeOf({ latent }: Sequence, step: number): InputChangeSignal {
  return { latentChange: step === 0 ? null : distance(latent[step]!, latent[step - 1]!) };
}

export function outputChangeOf(
  { latent, output }: Sequence,
  step: number,
  computed: readonly number[],
): OutputChangeSignal {
  const newest = computed[0];
  return {
    size: size(output[step]!),
    change: newest === undefined ? null : distance(output[step]!, output[newest]!),
    latentChange: newest === undefined ? null : distance(latent[step]!, latent[newest]!),
  };
}

export function diCacheSignalOf(
  { latent, probe }: Sequence,
  step: number,
  computed: readonly number[],
): DiCacheSignal {
  const streams = probe.map((row, at) => row.map((value, index) => value + latent[at]![index]!));
  const [a, b] = computed;
  const progress =
    a === undefined || b === undefined
      ? null
      : distance(probe[step]!, probe[b]!) / distance(probe[a]!, probe[b]!);
  return { change: changeOf(streams, step), progress };
}

/** Filters the latents of a sequence, with sigma falling evenly from 1. */
export function filteredOf({ latent, steps }: Sequence): Float64Array[] {
  return latent.map((row, step) => seaFilter(row, golden.latentShape, 1 - step / steps));
}
