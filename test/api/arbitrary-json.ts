import fc from "fast-check";

/** Subset of JSON Schema that zod writes. */
export interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("\0", "\ud800", "</s>", ""),
);

const nasty = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  text,
  fc.constantFrom<unknown>(1e308, -1, 0.5, -0, 2 ** 53, null, {}, [], JSON.parse('{"__proto__":{"a":1}}')),
);

/** Generates JSON that fits a schema, with occasional values that do not. */
export function arbitraryJson(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 12, arbitrary: fitting(schema) }, { weight: 1, arbitrary: nasty });
}

function fitting(schema: Schema): fc.Arbitrary<unknown> {
  const { type, properties, additionalProperties, items, pattern, minimum, maximum } = schema;
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map(arbitraryJson));
  switch (type) {
    case "object": {
      if (!properties) {
        return fc.dictionary(
          text,
          typeof additionalProperties === "object" ? arbitraryJson(additionalProperties) : nasty,
          {
            maxKeys: 3,
          },
        );
      }
      const members = Object.entries(properties).map(([name, member]) => [name, arbitraryJson(member)]);
      return fc.record(Object.fromEntries(members) as Record<string, fc.Arbitrary<unknown>>, {
        requiredKeys: [],
      });
    }
    case "array":
      return fc.array(arbitraryJson(items ?? {}), { maxLength: 3 });
    case "string":
      return pattern ? fc.stringMatching(new RegExp(pattern)) : fc.oneof(text, fc.webUrl());
    case "integer":
      return fc.integer({ min: Math.max(minimum ?? -9, -1e6), max: Math.min(maximum ?? 99, 1e6) });
    case "number":
      return fc.double({ min: minimum ?? -9, max: maximum ?? 99, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      return nasty;
  }
}
