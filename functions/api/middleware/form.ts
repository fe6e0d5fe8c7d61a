import { ApiError } from "../problem.ts";

/** A JSON Schema, as far as it is looked into here. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

const DEPTH_MAX = 5;

/** How much of a name is told of. */
const NAME_CHARACTERS_MAX = 80;

/**
 * The object a multipart form stands for, as if it had been sent as JSON: `cache[warmup_steps]=2` nests,
 * `webhook_events[]=...` repeats, and a text becomes what the schema has at its place, such as a number or (for
 * `cache={"policy":"slow"}`) an object. The text `null` is a field left out, as some clients cannot leave it out.
 *
 * @throws ApiError for files, fields that come twice, and names that are no path
 */
export function formToJson(form: FormData, schema: JsonSchema): Record<string, unknown> {
  const root = branch();
  const seen = new Set<string>();
  for (const [name, value] of form.entries()) {
    if (typeof value !== "string") {
      const param = name.slice(0, NAME_CHARACTERS_MAX);
      throw new ApiError("unsupported_parameter", `${param} cannot be a file.`, { param });
    }
    const isList = name.endsWith("[]");
    if (seen.has(name) && !isList) throw refused(name, "comes twice");
    seen.add(name);
    if (value !== "null") plant(root, pathOf(isList ? name.slice(0, -2) : name), isList, value);
  }
  const properties = { ...schema.properties, extra_body: schema };
  return coerce(root, { ...schema, properties }) as Record<string, unknown>;
}

type Branch = { [name: string]: Branch | string | string[] };

const branch = (): Branch => Object.create(null) as Branch;

function pathOf(name: string): string[] {
  const match = /^([^[\]]+)((?:\[[^[\]]+\])*)$/.exec(name);
  if (!match) throw refused(name, "is no field name");
  const path = [match[1]!, ...[...match[2]!.matchAll(/\[([^[\]]+)\]/g)].map(([, part]) => part!)];
  if (path.length > DEPTH_MAX) throw refused(name, "is no field name");
  return path;
}

function plant(root: Branch, path: readonly string[], isList: boolean, value: string): void {
  const leaf = path.at(-1)!;
  let at = root;
  for (const part of path.slice(0, -1)) {
    at[part] ??= branch();
    const next = at[part];
    if (typeof next === "string" || Array.isArray(next))
      throw refused(path.join("."), "is given in two ways");
    at = next;
  }
  const existing = at[leaf];
  if (isList && Array.isArray(existing)) existing.push(value);
  else if (existing !== undefined) throw refused(path.join("."), "is given in two ways");
  else at[leaf] = isList ? [value] : value;
}

/** Texts as the types that the schema has in their places; what fits none stays a text for the schema to refuse. */
function coerce(value: Branch | string | string[], schema: JsonSchema | undefined): unknown {
  const choices = schema?.anyOf ?? (schema ? [schema] : []);
  const choose = (type: string) => choices.find((choice) => [choice.type].flat().includes(type));
  if (Array.isArray(value)) return value.map((each) => coerce(each, choose("array")?.items));
  if (typeof value === "object") {
    const object = choose("object");
    const members = Object.entries(value).map(([name, member]) => {
      const { additionalProperties } = object ?? {};
      const rest = typeof additionalProperties === "object" ? additionalProperties : undefined;
      return [name, coerce(member, object?.properties?.[name] ?? rest)] as const;
    });
    return Object.fromEntries(members);
  }
  if ((choose("integer") ?? choose("number")) && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value))
    return Number(value);
  if (choose("boolean") && (value === "true" || value === "false")) return value === "true";
  if ((choose("object") ?? choose("array")) && /^\s*[{[]/.test(value)) return parseJson(value);
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON after all: the schema says what it should have been.
    return text;
  }
}

function refused(name: string, what: string): ApiError {
  const shown = name.slice(0, NAME_CHARACTERS_MAX);
  return new ApiError("invalid_multipart", `The form field ${JSON.stringify(shown)} ${what}.`, {
    param: shown,
  });
}
