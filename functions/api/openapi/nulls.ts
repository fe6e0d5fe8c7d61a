type Json = Readonly<Record<string, unknown>>;

/**
 * Says in the schemas of bodies that an optional field may be null, which counts as left out. All fields are alike in
 * that, so the pages for people do not repeat it, and are made of the document without it.
 */
export function withNulls(document: Json): Json {
  const withBody = (operation: Json): Json => {
    const { requestBody } = operation as { requestBody?: Json };
    if (!requestBody) return operation;
    const content = eachOf(requestBody.content as Json, (media) => ({
      ...media,
      schema: nullable(media.schema),
    }));
    return { ...operation, requestBody: { ...requestBody, content } };
  };
  return { ...document, paths: eachOf(document.paths as Json, (path) => eachOf(path, withBody)) };
}

/** Returns an object with its members changed. */
function eachOf(object: Json, change: (member: Json) => unknown): Json {
  return Object.fromEntries(Object.entries(object).map(([name, member]) => [name, change(member as Json)]));
}

/** Lets the optional members of the objects in a schema be null. */
function nullable(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(nullable);
  if (typeof schema !== "object" || schema === null) return schema;
  const { properties, ...rest } = schema as Json & { readonly properties?: Json };
  const others = eachOf(rest, nullable);
  if (!properties) return others;
  const required = (rest.required ?? []) as readonly string[];
  const members = Object.entries(properties).map(([name, member]) => {
    const own = nullable(member);
    return [name, required.includes(name) ? own : { anyOf: [own, { type: "null" }] }] as const;
  });
  return { ...others, properties: Object.fromEntries(members) };
}
