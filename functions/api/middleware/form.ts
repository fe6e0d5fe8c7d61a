import { nameOf } from "../../../lib/shared/sentences/index.ts";
import { ApiError } from "../problem.ts";
import { FormFile } from "./form-file.ts";
import { type JsonSchema, memberSchema, takesFile, wayOf } from "./json-schema.ts";

const DEPTH_MAX = 8;
const FIELDS_MAX = 1000;

/** Maximum length of a field name in an error. */
const NAME_CHARACTERS_MAX = 80;

/**
 * Converts a form to the object that the same request in JSON would have as its body. Names are read as clients write
 * them: `cache[policy]` or `cache.policy` for a member; `codebook[][rate]`, `codebook[0][rate]` or `codebook.0.rate` for
 * a list; `webhook_events` several times, with or without `[]`. Texts are converted to the types of the schema, such as
 * a number or (for `cache={"policy":"slow"}`) an object. The text `null` counts as a missing field, and so does an empty
 * text where the schema takes none, because some clients cannot omit fields.
 *
 * @throws ApiError for files in place of other fields, invalid names, and fields that can be read in two ways
 */
export function formToJson(form: FormFields, schema: JsonSchema): Record<string, unknown> {
  const root = node();
  // Fields of peers, which the schema does not declare, may be files too where any field may.
  const mayHaveFiles = Object.values(schema.properties ?? {}).some(takesFile);
  let count = 0;
  for (const [name, value] of form) {
    if (value instanceof FormFile && !(mayHaveFiles && isForFile(name, schema))) {
      throw new ApiError("unsupported_parameter", `${nameOf(name)} cannot be a file: send it as a text.`, {
        param: name.slice(0, NAME_CHARACTERS_MAX),
      });
    }
    count += 1;
    if (count > FIELDS_MAX) {
      throw new ApiError("invalid_multipart", `A form may have at most ${FIELDS_MAX} fields.`);
    }
    plant(root, pathOf(name), value);
  }
  return membersOf(root, "", schema);
}

/** Fields of a form, in order. */
export type FormFields = readonly (readonly [name: string, value: string | FormFile])[];

/** Returns whether a field of this name is a file, or is not declared. */
function isForFile(name: string, schema: JsonSchema): boolean {
  const [first] = pathOf(name);
  const declared = memberSchema(schema, first!);
  return declared === undefined || (takesFile(declared) && first === name);
}

/** Node of a form: texts under its own name, members by longer names, or entries under `[]`. */
interface Node {
  readonly texts: (string | FormFile)[];
  readonly members: Map<string, Node>;
  readonly entries: Entry[];
}

/** Entry of a list without indexes. */
interface Entry {
  readonly node: Node;
  /** Path of the member that was added last. */
  lastPath: readonly string[];
}

const node = (): Node => ({ texts: [], members: new Map(), entries: [] });

/** Part of a path that appends to a list. */
const APPENDED = "";

const NAME = /^([^.[\]]+)((?:\[[^[\]]*\]|\.[^.[\]]+)*)$/;

function pathOf(name: string): string[] {
  const [, first, rest = ""] = NAME.exec(name) ?? [];
  if (first === undefined) throw refused(name, "is not a valid field name");
  const path = [first, ...[...rest.matchAll(/\[([^[\]]*)\]|\.([^.[\]]+)/g)].map(([, a, b]) => a ?? b!)];
  if (path.length > DEPTH_MAX) throw refused(name, "is nested too deeply");
  if (path.filter((part) => part === APPENDED).length > 1)
    throw refused(name, "has two lists without indexes: number their entries, as in [0], or send JSON");
  return path;
}

function plant(root: Node, path: readonly string[], text: string | FormFile): void {
  let at = root;
  for (const [index, part] of path.entries()) {
    at = part === APPENDED ? entryFor(at, path.slice(index + 1)) : memberOf(at, part);
  }
  at.texts.push(text);
}

function memberOf({ members }: Node, name: string): Node {
  const member = members.get(name) ?? node();
  members.set(name, member);
  return member;
}

/** Returns the entry to which a member belongs: the last one, or a new one where the last one has it already. */
function entryFor({ entries }: Node, path: readonly string[]): Node {
  const last = entries.at(-1);
  if (last && path.length > 0 && !has(last.node, path)) {
    last.lastPath = path;
    return last.node;
  }
  const entry = { node: node(), lastPath: path };
  entries.push(entry);
  return entry.node;
}

function has(start: Node, path: readonly string[]): boolean {
  let at: Node | undefined = start;
  for (const part of path) at = at?.members.get(part);
  return at !== undefined;
}

function contentOf(given: Node, name: string, schema: JsonSchema | undefined): unknown {
  const { texts, members, entries } = given;
  if ([texts.length, members.size, entries.length].filter((count) => count > 0).length > 1)
    throw refused(name, "is given in two ways");
  if (texts.length > 0) return textsValue(texts, name, schema);
  const list = wayOf(schema, "array");
  if (entries.length > 0) {
    checkBounds(entries, name);
    return entries.map((entry) => contentOf(entry.node, `${name}[]`, list?.items));
  }
  if (list && [...members.keys()].every((key) => /^\d+$/.test(key))) {
    return Array.from({ length: members.size }, (_, index) => {
      const entry = members.get(String(index));
      if (!entry) throw refused(name, `has no entry with the index ${index}, but others`);
      return contentOf(entry, `${name}[${index}]`, list.items);
    });
  }
  return membersOf(given, name, schema);
}

/** Checks that every member can belong to one entry only: the last one of an entry must not fit into the next. */
function checkBounds(entries: readonly Entry[], name: string): void {
  for (const [index, { lastPath }] of entries.entries()) {
    const next = entries[index + 1];
    if (next && !has(next.node, lastPath)) {
      const field = `${name}[]${lastPath.map((part) => `[${part}]`).join("")}`;
      throw refused(field, "can belong to either of two entries: number them, as in [0], or send JSON");
    }
  }
}

function membersOf({ members }: Node, name: string, schema: JsonSchema | undefined): Record<string, unknown> {
  const object = wayOf(schema, "object");
  const rest = typeof object?.additionalProperties === "object" ? object.additionalProperties : undefined;
  const values = [...members].flatMap(([key, member]) => {
    const declared = memberSchema(object, key);
    if (declared && isMissing(member, declared)) return [];
    return [[key, contentOf(member, name === "" ? key : `${name}[${key}]`, declared ?? rest)] as const];
  });
  return Object.fromEntries(values);
}

function isMissing({ texts: [text, ...others] }: Node, schema: JsonSchema): boolean {
  if (text === undefined || others.length > 0) return false;
  if (text === "null") return true;
  const { pattern, enum: values, minLength = 0 } = wayOf(schema, "string") ?? { minLength: 1 };
  return text === "" && (pattern !== undefined || values !== undefined || minLength > 0);
}

function textsValue(
  texts: readonly (string | FormFile)[],
  name: string,
  schema: JsonSchema | undefined,
): unknown {
  const list = wayOf(schema, "array");
  const [text] = texts as [string | FormFile];
  if (texts.length > 1) {
    if (!list) throw refused(name, "is given more than once");
    return texts.map((each) => converted(each, list.items));
  }
  // A list of one entry, as clients write it that repeat the name for every entry.
  const isEntry = text instanceof FormFile || !/^\s*\[/.test(text);
  if (list && !wayOf(schema, "string") && isEntry) return [converted(text, list.items)];
  return converted(text, schema);
}

/** Converts a text to a type of the schema. A text that fits none stays a text, and validation refuses it. */
function converted(text: string | FormFile, schema: JsonSchema | undefined): unknown {
  if (text instanceof FormFile) return text;
  if (wayOf(schema, "integer", "number") && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return Number(text);
  // Python writes True, and PHP 1.
  if (wayOf(schema, "boolean") && /^(true|false|1|0)$/i.test(text)) return /^(true|1)$/i.test(text);
  if (wayOf(schema, "object", "array") && /^\s*[{[]/.test(text)) return parseJson(text);
  return text;
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
