import { fieldsOf, type JsonSchema } from "./json-schema.ts";

/** Realistic sample values, by field name. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  prompt: "a red circle moves fast to the left over blue stripes",
  url: "https://example.com/webhooks",
  name: "example",
};

export interface ExampleRequest {
  readonly method: string;
  readonly path: string;
  readonly isPublic: boolean;
  readonly body: JsonSchema | null;
}

/** Returns a curl command for the request. Its body has the required fields, or else one optional field. */
export function curlExample({ method, path, isPublic, body }: ExampleRequest): string {
  const address = `"$ADAREEL_URL${path.replaceAll(/\{(\w+)\}/g, "$$$1")}"`;
  // curl's default method is POST with a body, and GET without one.
  const isTold = method !== (body ? "post" : "get");
  const lines = [`curl ${isTold ? `-X ${method.toUpperCase()} ` : ""}${address}`];
  if (!isPublic) lines.push(`-H "Authorization: Bearer $ADAREEL_API_KEY"`);
  if (body) {
    lines.push(`-H "Content-Type: application/json"`);
    lines.push(`-d '${JSON.stringify(sampleBody(body)).replaceAll("'", "'\\''")}'`);
  }
  return lines.join(" \\\n  ");
}

function sampleBody(schema: JsonSchema): unknown {
  const sample = sampleOf("", schema);
  const [first] = fieldsOf(schema);
  const isEmpty = typeof sample === "object" && sample !== null && Object.keys(sample).length === 0;
  return isEmpty && first ? { [first.name]: sampleOf(first.name, first.schema) } : sample;
}

function sampleOf(name: string, schema: JsonSchema): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (name in SAMPLES) return SAMPLES[name];
  const choice = schema.anyOf?.[0] ?? schema.oneOf?.[0];
  if (choice) return sampleOf(name, choice);
  switch (schema.type) {
    case "object":
      return Object.fromEntries(
        fieldsOf(schema)
          .filter(({ isRequired }) => isRequired)
          .map((field) => [field.name, sampleOf(field.name, field.schema)]),
      );
    case "array":
      return schema.items ? [sampleOf(name, schema.items)] : [];
    case "boolean":
      return true;
    case "integer":
    case "number":
      return schema.minimum ?? 1;
    default:
      return name.replaceAll("_", " ");
  }
}
