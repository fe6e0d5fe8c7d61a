import type * as z from "zod";

/** Bounds of a number, or of the length of a text or a list. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
  /** True if values have to lie above `least`. */
  readonly isAbove: boolean;
  /** True if values have to lie below `most`. */
  readonly isBelow: boolean;
}

/** Definitions of the checks that bound a value. */
type Check =
  | { readonly check: "greater_than" | "less_than"; readonly value: number; readonly inclusive: boolean }
  | { readonly check: "multiple_of"; readonly value: number }
  | { readonly check: "min_length"; readonly minimum: number }
  | { readonly check: "max_length"; readonly maximum: number };

/** Returns the bounds of a number. Those of whole numbers are inclusive. */
export function numberBounds(schema: z.ZodNumber): Bounds {
  const { isInt } = schema;
  const [least, most] = [schema.minValue ?? -Infinity, schema.maxValue ?? Infinity];
  const excludes = (kind: Check["check"], value: number) =>
    checksOf(schema).some(
      (each) => each.check === kind && "inclusive" in each && each.value === value && !each.inclusive,
    );
  const [isAbove, isBelow] = [excludes("greater_than", least), excludes("less_than", most)];
  return {
    least: isInt && isAbove ? least + 1 : least,
    most: isInt && isBelow ? most - 1 : most,
    isAbove: isAbove && !isInt,
    isBelow: isBelow && !isInt,
  };
}

/** Returns the bounds of the length of a text or a list. */
export function lengthBounds(schema: z.ZodString | z.ZodArray): Bounds {
  const checks = checksOf(schema);
  return {
    least: Math.max(0, ...checks.flatMap((each) => (each.check === "min_length" ? [each.minimum] : []))),
    most: Math.min(
      Infinity,
      ...checks.flatMap((each) => (each.check === "max_length" ? [each.maximum] : [])),
    ),
    isAbove: false,
    isBelow: false,
  };
}

/** Returns the number that a number must be a multiple of; undefined if there is none. */
export function factorOf(schema: z.ZodNumber): number | undefined {
  return checksOf(schema).find((each) => each.check === "multiple_of")?.value;
}

function checksOf(schema: z.ZodType): Check[] {
  return (schema.def.checks ?? []).map(({ _zod }) => _zod.def as unknown as Check);
}
