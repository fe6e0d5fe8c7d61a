import { REQUEST_CONTROLS } from "../../../lib/generation/request/index.ts";
import { FILE_FORMAT } from "../middleware/form-file.ts";
import { type JsonSchema, takesFile, wayOf } from "../middleware/json-schema.ts";
import { modelView } from "../routes/models.ts";
import type { Deployment, Examples } from "./examples/example.ts";

/** Describes the body of a request in every media type that is read, with the values that this deployment takes. */
export function requestBodies(
  schema: JsonSchema,
  examples: { readonly examples: Examples } | undefined,
  { models }: Pick<Deployment, "models">,
) {
  const all = withChoices(schema, models.map(modelView));
  const full = withoutFiles(all);
  const form = optional(full, { leftOut: [{ type: "null" }, { enum: [""] }], boolean: IN_FORMS });
  const multipart = optional(all, { leftOut: [{ type: "null" }, { enum: [""] }], boolean: IN_FORMS });
  return {
    "application/json": { schema: optional(full, { leftOut: [{ type: "null" }] }), ...examples },
    "multipart/form-data": {
      schema: multipart,
      encoding: encodings(multipart, { contentType: "application/json" }),
      ...examples,
    },
    "application/x-www-form-urlencoded": {
      schema: form,
      encoding: encodings(form, { style: "deepObject", explode: true }),
      ...examples,
    },
  };
}

/** Removes the files, which only forms of several parts have. */
function withoutFiles(schema: JsonSchema): JsonSchema {
  const { properties, anyOf } = schema;
  return {
    ...schema,
    ...(anyOf && { anyOf: anyOf.filter(({ format }) => format !== FILE_FORMAT).map(withoutFiles) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, member]) => [name, withoutFiles(member)]),
      ),
    }),
  };
}

/** Media types of a field that may be a file. */
const OF_FILES =
  "image/png, image/jpeg, image/webp, image/gif, image/tiff, image/avif, text/plain, application/json";

/** Schema of what is true or false in a form, besides the words. */
const IN_FORMS: JsonSchema = { enum: [0, 1] };

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

interface Spelling {
  /** Values that mean that a member is left out. */
  readonly leftOut: readonly JsonSchema[];
  /** Other values that are true or false. */
  readonly boolean?: JsonSchema;
}

/** Adds to the members that may be left out the values that mean the same. */
function optional(schema: JsonSchema, spelling: Spelling): JsonSchema {
  const { properties, required = [], anyOf, items } = schema;
  return {
    ...schema,
    ...(anyOf && { anyOf: anyOf.map((way) => optional(way, spelling)) }),
    ...(items && { items: optional(items, spelling) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, member]) => {
          const own = optional(member, spelling);
          return [name, required.includes(name) ? own : orLeftOut(own, spelling)];
        }),
      ),
    }),
  };
}

function orLeftOut(schema: JsonSchema, { leftOut, boolean }: Spelling): JsonSchema {
  if (Object.keys(schema).length === 0) return schema;
  const { description, default: usual, ...rest } = schema as JsonSchema & { readonly default?: unknown };
  const others = leftOut.filter(({ type }) => type !== "null" || !wayOf(schema, "null"));
  if (boolean && wayOf(schema, "boolean")) others.push(boolean);
  if (others.length === 0) return schema;
  return {
    ...(description !== undefined && { description }),
    ...(usual !== undefined && { default: usual }),
    anyOf: [...(rest.anyOf ?? [rest]), ...others],
  };
}

/** Says how the members of a form are written that are no texts. Other ways are read as well. */
function encodings({ properties = {} }: JsonSchema, ofObjects: object): Record<string, object> {
  const entries = Object.entries(properties).flatMap(([name, member]) => {
    if (takesFile(member)) return [[name, { contentType: OF_FILES }] as const];
    if (wayOf(member, "object")) return [[name, ofObjects] as const];
    return wayOf(member, "array") ? [[name, { style: "form", explode: true }] as const] : [];
  });
  return Object.fromEntries(entries);
}
