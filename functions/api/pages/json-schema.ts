/** Subset of JSON Schema that the OpenAPI document uses. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** Member of an object in the API reference. */
export interface Field {
  readonly name: string;
  readonly isRequired: boolean;
  readonly schema: JsonSchema;
  /** Members of its value, if that is an object or a list of objects. */
  readonly fields: readonly Field[];
}

/** Returns the alternatives of a schema; `anyOf` and `oneOf` mean the same to a reader. */
const waysOf = (schema: JsonSchema) => schema.anyOf ?? schema.oneOf ?? [schema];

/** Returns the members of an object, of the objects in a list, or of all alternatives. */
export function fieldsOf(schema: JsonSchema): Field[] {
  const { properties, required = [], items, additionalProperties } = schema;
  if (schema.anyOf || schema.oneOf) return joined(waysOf(schema).map(fieldsOf));
  if (items) return fieldsOf(items);
  if (!properties) return typeof additionalProperties === "object" ? fieldsOf(additionalProperties) : [];
  return (
    Object.entries(properties)
      // An optional member with an empty schema is one that the API refuses, so it is not documented.
      .filter(([name, member]) => required.includes(name) || Object.keys(member).length > 0)
      .map(([name, member]) => ({
        name,
        isRequired: required.includes(name),
        schema: member,
        fields: fieldsOf(member),
      }))
  );
}

/** Joins the members of alternatives. A member of several is listed once, with all the values that it may have. */
function joined(alternatives: readonly (readonly Field[])[]): Field[] {
  const names = new Set(alternatives.flat().map(({ name }) => name));
  return [...names].map((name) => {
    const all = alternatives.flatMap((fields) => fields.filter((field) => field.name === name));
    const [first, ...rest] = all as [Field, ...Field[]];
    const isRequired = all.length === alternatives.length && all.every((field) => field.isRequired);
    const values = all.flatMap(({ schema }) => (schema.const === undefined ? [] : [schema.const]));
    if (rest.length === 0 || values.length < all.length) return { ...first, isRequired };
    const { const: _, ...schema } = first.schema;
    return { ...first, isRequired, schema: { ...schema, enum: values } };
  });
}

/** Returns the type of a value in words, such as `string or null`. */
export function typeOf(schema: JsonSchema): string {
  return [...new Set(waysOf(schema).flatMap(typesOf))].join(" or ");
}

function typesOf(schema: JsonSchema): string[] {
  const { type, items, $ref } = schema;
  if (schema.anyOf || schema.oneOf) return waysOf(schema).flatMap(typesOf);
  if ($ref) return [nameOf($ref)];
  if (type === "array") return [items && Object.keys(items).length > 0 ? `list of ${typeOf(items)}` : "list"];
  return typeof type === "string" ? [type] : [...(type ?? ["any"])];
}

/** Returns the name of the component in a reference. */
export function nameOf($ref: string): string {
  return $ref.slice($ref.lastIndexOf("/") + 1);
}

/** Returns the name of the component that a schema, its items or one of its alternatives refers to. */
export function referenceIn(schema: JsonSchema): string | null {
  if (schema.$ref) return nameOf(schema.$ref);
  const inside = schema.items ? [schema.items] : (schema.anyOf ?? schema.oneOf ?? []);
  return inside.map(referenceIn).find((name) => name !== null) ?? null;
}

/** Returns the allowed values of an enum or constant, or of a list's entries; an empty list for other schemas. */
export function valuesOf(schema: JsonSchema): string[] {
  if (schema.anyOf || schema.oneOf) return waysOf(schema).flatMap(valuesOf);
  if (schema.items) return valuesOf(schema.items);
  return (schema.const === undefined ? (schema.enum ?? []) : [schema.const]).map(String);
}

/** Returns the bounds of a value in words, such as `1 to 1000`; one text for each bound. */
export function boundsOf(schema: JsonSchema): string[] {
  if (schema.anyOf || schema.oneOf) return [...new Set(waysOf(schema).flatMap(boundsOf))];
  if (schema.items && schema.type === "array") {
    return [range(schema.minItems, schema.maxItems, " entries"), ...boundsOf(schema.items)].flatMap(
      (text) => text ?? [],
    );
  }
  const above = schema.exclusiveMinimum === undefined ? null : `more than ${schema.exclusiveMinimum}`;
  return [
    above,
    range(safe(schema.minimum), safe(schema.maximum), ""),
    range(schema.minLength, schema.maxLength, " characters"),
  ].flatMap((text) => text ?? []);
}

/** Drops a bound at the end of the safe integers: every integer has it, so it says nothing. */
const safe = (bound: number | undefined) =>
  Math.abs(bound ?? 0) === Number.MAX_SAFE_INTEGER ? undefined : bound;

function range(least: number | undefined, most: number | undefined, unit: string): string | null {
  if (least !== undefined && most !== undefined) return `${least} to ${most}${unit}`;
  if (least !== undefined) return `at least ${least}${unit}`;
  return most === undefined ? null : `at most ${most}${unit}`;
}
