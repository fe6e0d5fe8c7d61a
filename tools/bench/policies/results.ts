import * as z from "zod";
import { circumstancesSchema } from "../machine.ts";
import { MOTIONS } from "../scenes.ts";
import { mean, quantile, standardDeviation } from "../statistics.ts";
import { calibrationSchema } from "./calibration.ts";
import { CLOCKS } from "./clock.ts";

export const ROLES = ["product", "ours", "rival", "variant", "reference"] as const;

const methodSchema = z.object({
  /** Curve that the method is a point of. */
  group: z.string(),
  label: z.string(),
  role: z.enum(ROLES),
  isDefault: z.boolean(),
  source: z.string(),
});

const runSchema = z.object({
  /** Index into `prompts`. */
  prompt: z.int().nonnegative(),
  /** Denoising steps of the reference. */
  steps: z.int().positive(),
  group: z.string(),
  label: z.string(),
  /** Cost in computed steps: n of L blocks count n / L, the conditional half alone 0.5. */
  computed: z.number().nonnegative(),
  denoiseSeconds: z.number().positive(),
  /** Denoising seconds without cache: the mean of a run before and a run after this one. */
  referenceSeconds: z.number().positive(),
  /** PSNR against the uncached video in dB; null if the videos are identical, because JSON has no Infinity. */
  psnr: z.number().nullable(),
  ssim: z.number(),
});

const promptSchema = z.object({
  text: z.string(),
  seed: z.int().nonnegative(),
  motion: z.enum(MOTIONS).nullable(),
});

/** All measurements of `policies`; the report is written from them. */
export const policyResultsSchema = z.object({
  kind: z.literal("policies"),
  /** Circumstances of each command that measured a part, the first one first. */
  circumstances: z.array(circumstancesSchema).min(1),
  minutes: z.number(),
  threads: z.int().positive(),
  /** Clock of `denoiseSeconds` and `referenceSeconds`. */
  clock: z.enum(CLOCKS),
  prompts: z.array(promptSchema).min(1),
  calibrationPrompts: z.array(promptSchema).min(1),
  calibrations: z.array(calibrationSchema),
  methods: z.array(methodSchema),
  runs: z.array(runSchema),
});

export type PolicyResults = z.infer<typeof policyResultsSchema>;
export type PolicyRun = PolicyResults["runs"][number];
export type MeasuredMethod = PolicyResults["methods"][number];

/** Group of the uncached runs that are repeated. */
export const REFERENCE_GROUP = "no cache, again";

/** PSNR that identical videos count as, in dB: more than that of videos which differ by 1 in a single value. */
export const IDENTICAL_DB = 100;

/** Returns the PSNR of a run as a number that can be averaged. */
export function decibelsOf({ psnr }: Pick<PolicyRun, "psnr">): number {
  return Math.min(psnr ?? IDENTICAL_DB, IDENTICAL_DB);
}

/** Summary of one method over some prompts. */
export interface PolicySummary {
  readonly videos: number;
  readonly computed: { readonly mean: number; readonly deviation: number };
  /** Seconds of all runs divided by those of their references. */
  readonly time: number;
  readonly psnr: {
    readonly mean: number;
    readonly deviation: number;
    readonly p10: number;
    readonly worst: number;
  };
  readonly ssim: {
    readonly mean: number;
    readonly deviation: number;
    readonly p10: number;
    readonly worst: number;
  };
}

/**
 * Summarises runs.
 *
 * @throws RangeError if there are no runs
 */
export function summarisePolicy(runs: readonly PolicyRun[]): PolicySummary {
  const computed = runs.map((run) => run.computed);
  return {
    videos: runs.length,
    computed: { mean: mean(computed), deviation: standardDeviation(computed) },
    time: timeOf(runs),
    psnr: distribution(runs.map(decibelsOf)),
    ssim: distribution(runs.map((run) => run.ssim)),
  };
}

/** Returns the share of the uncached denoising time that runs took. */
export function timeOf(runs: readonly Pick<PolicyRun, "denoiseSeconds" | "referenceSeconds">[]): number {
  return mean(runs.map((run) => run.denoiseSeconds)) / mean(runs.map((run) => run.referenceSeconds));
}

function distribution(values: readonly number[]) {
  return {
    mean: mean(values),
    deviation: standardDeviation(values),
    p10: quantile(values, 0.1),
    worst: Math.min(...values),
  };
}

/** Curve and setting of a method. */
export type MethodName = Pick<MeasuredMethod, "group" | "label">;

/** Key of a method among all. */
export function methodKey({ group, label }: MethodName): string {
  return `${group} / ${label}`;
}

/** Returns the measured numbers of denoising steps, ascending. */
export function policyStepCounts({ runs }: Pick<PolicyResults, "runs">): number[] {
  return [...new Set(runs.map((run) => run.steps))].sort((a, b) => a - b);
}
