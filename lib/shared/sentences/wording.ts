import * as z from "zod";

/** Words about a schema that cannot be made from it. */
export interface Wording {
  /** Description of the possible values, which completes "size is ...". */
  readonly is?: string;
  /** Advice that ends a sentence about a wrong value, such as "leave it out to draw one". */
  readonly advice?: string;
  /** Sentence about a missing value, in place of the usual one. */
  readonly missing?: string;
  /** Name of an entry of a list, such as `row`. */
  readonly entry?: string;
}

/** Wordings of schemas. Schemas that are derived from a registered one, as by `describe`, have its wording too. */
export const wordings = z.registry<Wording>();

/** Returns the wording of a schema, or of the schema that it wraps. */
export function wordingOf(schema: z.core.$ZodType | undefined): Wording {
  if (!schema) return {};
  const wrapped = schema instanceof z.ZodPipe ? [schema.def.in, schema.def.out] : [innerOf(schema)];
  return Object.assign({}, ...wrapped.map(wordingOf), wordings.get(schema)) as Wording;
}

/** Returns the schema that another one wraps, as `optional` and `default` do; undefined for one that wraps nothing. */
export function innerOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  // A pipe checks its last schema last, unless that is a transformation.
  if (schema instanceof z.ZodPipe)
    return schema.def.out instanceof z.ZodTransform ? schema.def.in : schema.def.out;
  return "innerType" in schema._zod.def ? (schema._zod.def.innerType as z.core.$ZodType) : undefined;
}

/** Returns a schema without the schemas that wrap it. */
export function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  const inner = innerOf(schema);
  return inner ? unwrapped(inner) : schema;
}
