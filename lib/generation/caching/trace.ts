/** The record of a schedule, which `generate --trace` writes. */
import type { Column, ColumnValues, StoredOptions } from "./column.ts";
import type { CachePolicy } from "./policy.ts";
import { type ColumnKey, knownColumns, knownOptions, type PolicyOptions } from "./registry.ts";

/** A denoising step of a schedule, with the values of its policy's columns; those of a reused step are null. */
export type TraceStep = {
  /** 1-based. */
  readonly step: number;
  readonly computed: boolean;
  /** Present where a planned reuse ended early: the step was computed all the same. */
  readonly early?: true;
} & { readonly [Key in ColumnKey]?: number | null };

/** Ready for JSON. Besides the members named here it has the options of its policy, as they are in a codebook file. */
export type CacheTrace = {
  readonly model: string;
  readonly steps: number;
  readonly cache: string;
  readonly schedule: readonly TraceStep[];
} & PolicyOptions;

/**
 * Returns the trace line of one denoising step.
 *
 * @param denoisingStep 0-based
 * @param values of the policy's columns at a computed step; null for a reused one
 * @param early whether a planned reuse ended with this step
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

/** Returns the columns that a schedule has values of, in the order of their kinds. */
export function columnsOf(schedule: readonly object[]): Column[] {
  return knownColumns.filter(({ key }) => schedule.some((step) => key in step));
}

/** Returns the options of a trace's policy. */
export function optionsOf({ model, steps, cache, schedule, ...options }: CacheTrace): StoredOptions {
  return options;
}

/** Returns a few words on every option that a line of facts should tell. */
export function optionNotes(options: StoredOptions): string[] {
  return Object.entries(options).flatMap(([key, value]) => knownOptions.get(key)?.text.note?.(value) ?? []);
}

/** Says how the computed steps were chosen, in sentences for people. */
export function explanationOf(trace: CacheTrace): string {
  const options = optionsOf(trace);
  const sentences = Object.keys(options).flatMap(
    (key) => knownOptions.get(key)?.text.explain?.(options) ?? [],
  );
  return sentences.length > 0 ? sentences.join(" ") : "Every denoising step was computed.";
}
