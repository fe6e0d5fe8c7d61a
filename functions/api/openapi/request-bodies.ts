import { REQUEST_CONTROLS } from "../../../lib/generation/request/index.ts";
import { type JsonSchema, wayOf } from "../middleware/json-schema.ts";
import { modelView } from "../routes/models.ts";
import type { Deployment, Examples } from "./examples/example.ts";

/** Describes the body of a request in every media type that is read, with the values that this deployment takes. */
export function requestBodies(
  schema: JsonSchema,
  examples: { readonly examples: Examples } | undefined,
  { models }: Pick<Deployment, "models">,
) {
  const full = withNulls(withChoices(schema, models.map(modelView)));
  return {
    "application/json": { schema: full, ...examples },
    "multipart/form-data": {
      schema: full,
      encoding: encodings(full, { contentType: "application/json" }),
      ...examples,
    },
    "application/x-www-form-urlencoded": {
      schema: full,
      encoding: encodings(full, { style: "deepObject", explode: true }),
      ...examples,
    },
  };
}

/** Limits the parameters that have a choice to the values of the models, wherever they are in a schema. */
function withChoices(schema: JsonSchema, models: readonly ReturnType<typeof modelView>[]): JsonSchema {
  const { properties = {} } = schema;
  // Only a request for a video has all of them.
  const isVideo = REQUEST_CONTROLS.every(
    ({ parameter, kind }) => kind.name !== "choice" || parameter in properties,
  );
  const chosen = REQUEST_CONTROLS.flatMap(({ parameter, kind }) => {
    if (!isVideo || kind.name !== "choice") return [];
    const values = models.flatMap((model) => (model as Record<string, unknown>)[kind.of]);
    return [[parameter, { ...properties[parameter], enum: [...new Set(values)] }] as const];
  });
  const inside = Object.entries(properties).map(
    ([name, member]) => [name, member.properties ? withChoices(member, models) : member] as const,
  );
  return schema.properties ? { ...schema, properties: Object.fromEntries([...inside, ...chosen]) } : schema;
}

/** Adds null to the members that may be left out: both mean the same, in forms as the text `null`. */
function withNulls(schema: JsonSchema): JsonSchema {
  const { properties, required = [], anyOf, items } = schema;
  return {
    ...schema,
    ...(anyOf && { anyOf: anyOf.map(withNulls) }),
    ...(items && { items: withNulls(items) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, member]) => [
          name,
          required.includes(name) ? withNulls(member) : orNull(withNulls(member)),
        ]),
      ),
    }),
  };
}

function orNull(schema: JsonSchema): JsonSchema {
  if (Object.keys(schema).length === 0 || wayOf(schema, "null")) return schema;
  const { description, default: usual, ...rest } = schema as JsonSchema & { readonly default?: unknown };
  return {
    ...(description !== undefined && { description }),
    ...(usual !== undefined && { default: usual }),
    anyOf: [...(rest.anyOf ?? [rest]), { type: "null" }],
  };
}

/** Says how the members of a form are written that are no texts. Other ways are read as well. */
function encodings({ properties = {} }: JsonSchema, ofObjects: object): Record<string, object> {
  const entries = Object.entries(properties).flatMap(([name, member]) => {
    if (wayOf(member, "object")) return [[name, ofObjects] as const];
    return wayOf(member, "array") ? [[name, { style: "form", explode: true }] as const] : [];
  });
  return Object.fromEntries(entries);
}
