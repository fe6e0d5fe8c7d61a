import { TEXT_ALONE } from "../../../lib/generation/request/index.ts";
import { nameOf } from "../../../lib/shared/sentences/index.ts";
import { ApiError } from "../problem.ts";

/** Subset of JSON Schema that the conversion of forms uses. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

const DEPTH_MAX = 5;

/** Maximum length of a field name in an error. */
const NAME_CHARACTERS_MAX = 80;

/**
 * Converts a multipart form to the object that the same request in JSON would have as its body.
 * `cache[warmup_steps]=2` sets a nested field, and `webhook_events[]=...` appends to a list. A text is converted to
 * the type in the schema, such as a number or (for `cache={"policy":"slow"}`) an object. The text `null` counts as a
 * missing field, because some clients cannot omit fields.
 *
 * @throws ApiError for files, repeated fields, and invalid names
 */
export function formToJson(form: FormData, schema: JsonSchema): Record<string, unknown> {
  const root = branch();
  const seen = new Set<string>();
  for (const [name, value] of form.entries()) {
    if (typeof value !== "string") {
      throw new ApiError("unsupported_parameter", `${nameOf(name)} cannot be a file: ${TEXT_ALONE}.`, {
        param: name.slice(0, NAME_CHARACTERS_MAX),
      });
    }
    const isList = name.endsWith("[]");
    if (seen.has(name) && !isList) throw refused(name, "is given more than once");
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
  if (!match) throw refused(name, "is not a valid field name");
  const path = [match[1]!, ...[...match[2]!.matchAll(/\[([^[\]]+)\]/g)].map(([, part]) => part!)];
  if (path.length > DEPTH_MAX) throw refused(name, "is not a valid field name");
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

/** Converts texts to the types of the schema. A text that fits no type stays a text, and validation refuses it. */
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
    // The text is not JSON; validation refuses it and names the expected type.
    return text;
  }
}

function refused(name: string, what: string): ApiError {
  return new ApiError("invalid_multipart", `The form field ${nameOf(name)} ${what}.`, {
    param: name.slice(0, NAME_CHARACTERS_MAX),
  });
}
