/** Schedules and options in the vocabulary of the API, as receipts store them. */
import * as z from "zod";
import type { StoredOptions } from "./column.ts";
import { type KnownOption, knownColumns, knownOptions } from "./registry.ts";
import type { CacheTrace, TraceStep } from "./trace.ts";
import { optionsOf } from "./trace.ts";

/** A computed step: its number and the values of its policy's columns. */
export interface PublishedStep {
  readonly [column: string]: number | null;
  /** Number of the step, 1-based. */
  readonly step: number;
}

/** Policy of a receipt, with its options. */
export interface PublishedCache {
  readonly [option: string]: unknown;
  readonly policy: string;
}

const snakeCase = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const publishedOption = ({ key, text }: KnownOption) => text.published ?? snakeCase(key);

/** Columns of all kinds, under their keys in receipts. */
export const publishedColumns = knownColumns.map((column) => ({ ...column, key: snakeCase(column.key) }));

/**
 * Explanations of how policies choose their steps, by the published name of an option. Each holds for receipts that
 * have this option.
 */
export const publishedExplanations: Readonly<Record<string, string>> = Object.fromEntries(
  [...knownOptions.values()].flatMap((option) =>
    option.text.explain ? [[publishedOption(option), option.text.explain({})]] : [],
  ),
);

/** Schema of a computed step in the OpenAPI document. Receipts may hold nulls for columns of other policies. */
export const publishedStepSchema = z.object({
  step: z.int().positive(),
  ...Object.fromEntries(
    publishedColumns.map(({ key, format, description }) => {
      const value = format === "count" ? z.int().positive() : z.number();
      return [key, value.nullable().optional().describe(description)];
    }),
  ),
});

/**
 * Schema of the policy with its options in the OpenAPI document. Receipts may hold nulls for options of other policies.
 */
export const publishedCacheSchema = z.object({
  policy: z.string(),
  ...Object.fromEntries(
    [...knownOptions.values()].map((option) => {
      const { schema } = option;
      // Without its default: a receipt has every option of its policy, and options of others have to stay absent.
      const value = (schema instanceof z.ZodDefault ? schema.unwrap() : schema) as z.ZodType;
      return [
        publishedOption(option),
        value
          .nullable()
          .optional()
          .describe(schema.description ?? ""),
      ];
    }),
  ),
});

/** Returns the computed steps of a trace for a receipt. */
export function publishedSchedule({ schedule }: CacheTrace): PublishedStep[] {
  return schedule
    .filter(({ computed }) => computed)
    .map(({ step, computed, early, ...values }) => ({
      step,
      ...Object.fromEntries(Object.entries(values).map(([key, value]) => [snakeCase(key), value ?? null])),
    }));
}

/** Returns the policy of a trace for a receipt. */
export function publishedCache(trace: CacheTrace): PublishedCache {
  const options = Object.entries(optionsOf(trace)).flatMap(([key, value]) => {
    const option = knownOptions.get(key);
    return option ? [[publishedOption(option), value]] : [];
  });
  return { policy: trace.cache, ...Object.fromEntries(options) };
}

/** Returns the trace that a receipt was made from, as far as charts need it. */
export function traceOfPublished(
  model: string,
  { steps, schedule, cache }: { steps: number; schedule: readonly PublishedStep[]; cache: PublishedCache },
): CacheTrace {
  const lines = new Map(schedule.map((line) => [line.step, line]));
  const options: StoredOptions = Object.fromEntries(
    [...knownOptions.values()]
      .map((option) => [option.key, cache[publishedOption(option)]] as const)
      .filter(([, value]) => value !== undefined && value !== null),
  );
  const columns = knownColumns.filter(({ key }) => schedule.some((line) => snakeCase(key) in line));
  return {
    model,
    steps,
    cache: cache.policy,
    ...options,
    schedule: Array.from({ length: steps }, (_, denoisingStep): TraceStep => {
      const line = lines.get(denoisingStep + 1);
      const values = columns.map(({ key }) => [key, line?.[snakeCase(key)] ?? null]);
      return { step: denoisingStep + 1, computed: line !== undefined, ...Object.fromEntries(values) };
    }),
  };
}
