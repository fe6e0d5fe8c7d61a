import * as z from "zod";
import { type Bounds, factorOf, lengthBounds, numberBounds } from "./bounds.ts";
import { FIELDS_MAX, listed, oneOf, oneOfDescribed } from "./list.ts";
import { unwrapped, wordingOf } from "./wording.ts";

/**
 * Describes the values that a schema allows, for example `a whole number from 1 to 1000`.
 *
 * @param value wrong value, which decides between the members of a union, and whether a far bound has to be told
 */
export function possible(schema: z.core.$ZodType, value?: unknown): string {
  const { is, entry = "entry" } = wordingOf(schema);
  if (is !== undefined) return is;
  const type = unwrapped(schema);
  const words = wordsOf(type, { value, entry });
  return acceptsNull(schema) && !(type instanceof z.ZodNull) ? `${words} or null` : words;
}

function wordsOf(schema: z.core.$ZodType, { value, entry }: { value: unknown; entry: string }): string {
  if (schema instanceof z.ZodNumber) return numberWords(schema, value);
  if (schema instanceof z.ZodString) return `a text${lengthWords(lengthBounds(schema), "character")}`;
  if (schema instanceof z.ZodBoolean) return "true or false";
  if (schema instanceof z.ZodNull) return "null";
  if (schema instanceof z.ZodEnum) return oneOf(schema.options.map(String));
  if (schema instanceof z.ZodLiteral) return oneOf([...schema.values].map(String));
  if (schema instanceof z.ZodArray) return `a list${lengthWords(lengthBounds(schema), entry)}`;
  if (schema instanceof z.ZodTuple) return `a list of ${counted(schema.def.items.length, entry)}`;
  if (schema instanceof z.ZodRecord) return "an object";
  if (schema instanceof z.ZodObject) return objectWords(Object.keys(schema.shape));
  if (schema instanceof z.ZodUnion) {
    const fitting = optionFor(schema, value);
    return fitting
      ? possible(fitting, value)
      : oneOfDescribed(schema.options.map((option) => possible(option)));
  }
  return "another value";
}

/** Returns the member of a union that takes values of the same type as `value`. */
export function optionFor(union: z.ZodUnion, value: unknown): z.core.$ZodType | undefined {
  return union.options.find((option) => takesTypeOf(unwrapped(option), value));
}

function takesTypeOf(schema: z.core.$ZodType, value: unknown): boolean {
  if (schema instanceof z.ZodUnion) return optionFor(schema, value) !== undefined;
  if (Array.isArray(value)) return schema instanceof z.ZodArray || schema instanceof z.ZodTuple;
  switch (typeof value) {
    case "string":
      return schema instanceof z.ZodString || schema instanceof z.ZodEnum || schema instanceof z.ZodLiteral;
    case "number":
      return schema instanceof z.ZodNumber;
    case "boolean":
      return schema instanceof z.ZodBoolean;
    case "object":
      return value !== null && (schema instanceof z.ZodObject || schema instanceof z.ZodRecord);
    default:
      return false;
  }
}

function acceptsNull(schema: z.core.$ZodType): boolean {
  if (schema instanceof z.ZodNullable) return true;
  return "innerType" in schema._zod.def && acceptsNull(schema._zod.def.innerType as z.core.$ZodType);
}

function numberWords(schema: z.ZodNumber, value: unknown): string {
  const { least, most, isAbove, isBelow } = numberBounds(schema);
  const factor = factorOf(schema);
  const whole = schema.isInt ? "a whole number" : "a number";
  const kind = factor === undefined ? whole : `a multiple of ${factor}`;
  // Every whole number ends at the safe integers, which goes without saying until a value lies beyond.
  const isFar = (bound: number) => Math.abs(bound) >= (isBeyond(value) ? Infinity : Number.MAX_SAFE_INTEGER);
  const end = isBelow ? `${isAbove ? "and" : "to"} below` : isAbove ? "up to" : "to";
  if (isFar(least)) return isFar(most) ? kind : `${kind} ${isBelow ? "below" : "up to"} ${most}`;
  if (!isFar(most)) return `${kind} ${isAbove ? "above" : "from"} ${least} ${end} ${most}`;
  if (isAbove) return `${kind} above ${least}`;
  return least === 0 ? `${kind} from 0 up` : `${kind} of at least ${least}`;
}

function isBeyond(value: unknown): boolean {
  return Number.isFinite(value) && Math.abs(value as number) > Number.MAX_SAFE_INTEGER;
}

/** Describes the length of a text or a list, counted in `unit`. */
function lengthWords({ least, most }: Bounds, unit: string): string {
  if (least === most) return ` of ${counted(most, unit)}`;
  if (most < Infinity)
    return least > 0 ? ` of ${least} to ${counted(most, unit)}` : ` of at most ${counted(most, unit)}`;
  return least > 0 ? ` of at least ${counted(least, unit)}` : "";
}

function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun.endsWith("y") ? `${noun.slice(0, -1)}ies` : `${noun}s`}`;
}

function objectWords(fields: readonly string[]): string {
  return fields.length > 0 && fields.length <= FIELDS_MAX ? `an object with ${listed(fields)}` : "an object";
}
