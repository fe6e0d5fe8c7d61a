import { FILE_FORMAT, FormFile } from "./form-file.ts";

/** Subset of JSON Schema that the reading of bodies uses. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly pattern?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly minLength?: number;
  readonly required?: readonly string[];
  readonly description?: string;
}

/** Returns the first alternative of a schema that has one of the given types. */
export function wayOf(schema: JsonSchema | undefined, ...types: readonly string[]): JsonSchema | undefined {
  if (schema?.anyOf) {
    for (const way of schema.anyOf) {
      const found = wayOf(way, ...types);
      if (found) return found;
    }
    return undefined;
  }
  return [schema?.type].flat().some((type) => type !== undefined && types.includes(type))
    ? schema
    : undefined;
}

/** Returns whether a schema takes a file of a form. */
export function takesFile(schema: JsonSchema | undefined): boolean {
  return schema?.format === FILE_FORMAT || (schema?.anyOf ?? []).some(takesFile);
}

/** Returns the schema of a member that an object declares. */
export function memberSchema(object: JsonSchema | undefined, name: string): JsonSchema | undefined {
  const { properties = {} } = object ?? {};
  return Object.hasOwn(properties, name) ? properties[name] : undefined;
}

/**
 * Drops members that are null where the schema takes no null, as records are written by clients that cannot omit
 * fields. Entries of a map keep theirs, because their names are the client's own.
 */
export function withoutNulls(value: unknown, schema: JsonSchema | undefined): unknown {
  if (Array.isArray(value)) {
    const { items } = wayOf(schema, "array") ?? {};
    return items ? value.map((entry) => withoutNulls(entry, items)) : value;
  }
  if (typeof value !== "object" || value === null || value instanceof FormFile) return value;
  const object = wayOf(schema, "object");
  const kept = Object.entries(value).flatMap(([name, member]) => {
    const declared = memberSchema(object, name);
    if (member === null && declared && !takesNull(declared)) return [];
    return [[name, withoutNulls(member, declared)] as const];
  });
  return Object.fromEntries(kept);
}

function takesNull(schema: JsonSchema): boolean {
  return Object.keys(schema).length === 0 || wayOf(schema, "null") !== undefined;
}
