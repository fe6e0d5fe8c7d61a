/** Record of a schedule, which `generate --trace` writes. */
import type { Column, ColumnValues, StoredOptions } from "./column.ts";
import type { CachePolicy } from "./policy.ts";
import { type ColumnKey, knownColumns, knownOptions, type PolicyOptions } from "./registry.ts";

/** A denoising step of a schedule, with the values of the policy's columns; at reused steps they are null. */
export type TraceStep = {
  /** Number of the step, 1-based. */
  readonly step: number;
  readonly computed: boolean;
  /** Present if reuse was planned for the step and it was computed all the same. */
  readonly early?: true;
} & { readonly [Key in ColumnKey]?: number | null };

/**
 * Trace of a generation, ready for JSON. Besides these members it has the options of its policy, named as in a codebook
 * file.
 */
export type CacheTrace = {
  readonly model: string;
  readonly steps: number;
  readonly cache: string;
  readonly schedule: readonly TraceStep[];
} & PolicyOptions;

/**
 * Returns the trace of one denoising step.
 *
 * @param denoisingStep 0-based
 * @param values values of the policy's columns at a computed step; null at a reused one
 * @param early whether reuse was planned for the step
 */
export function traceStep(
  { columns }: Pick<CachePolicy, "columns">,
  denoisingStep: number,
  values: ColumnValues | null,
  early = false,
): TraceStep {
  return {
    step: denoisingStep + 1,
    computed: values !== null,
    ...(early && { early: true }),
    ...Object.fromEntries(columns.map(({ key }) => [key, values?.[key] ?? null])),
  };
}

export function cacheTrace(
  model: string,
  policy: Pick<CachePolicy, "name" | "options">,
  schedule: readonly TraceStep[],
): CacheTrace {
  return { model, steps: schedule.length, cache: policy.name, ...policy.options, schedule };
}

/** Returns the columns that a schedule has, in the order of the kinds. */
export function columnsOf(schedule: readonly object[]): Column[] {
  return knownColumns.filter(({ key }) => schedule.some((step) => key in step));
}

/** Returns the options of a trace's policy. */
export function optionsOf({ model, steps, cache, schedule, ...options }: CacheTrace): StoredOptions {
  return options;
}

/** Returns a few words about each option that a line of facts should mention. */
export function optionNotes(options: StoredOptions): string[] {
  return Object.entries(options).flatMap(
    ([key, value]) => knownOptions.get(key)?.text.note?.(value, options) ?? [],
  );
}

/** Explains in sentences how the computed steps were chosen. */
export function explanationOf(trace: CacheTrace): string {
  const options = optionsOf(trace);
  const sentences = Object.keys(options).flatMap(
    (key) => knownOptions.get(key)?.text.explain?.(options) ?? [],
  );
  return sentences.length > 0 ? sentences.join(" ") : "Every denoising step was computed.";
}
