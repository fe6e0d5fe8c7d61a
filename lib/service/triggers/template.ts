import { quoted } from "../../shared/sentences/index.ts";
import { parsePointer, valueAt } from "./json-pointer.ts";

interface Placeholder {
  /** Text of the pointer in the template. */
  readonly pointer: string;
  readonly tokens: readonly string[];
}

/** Literal texts and placeholders, in order. */
export type Template = readonly (string | Placeholder)[];

/** Result of parsing a template; `reason` is one sentence for its author. */
export type ParsedTemplate =
  | { readonly ok: true; readonly template: Template }
  | { readonly ok: false; readonly reason: string };

/** Result of filling a template. `reason` is one sentence that reveals only the kind of value at the pointer. */
export type Filled =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly pointer: string; readonly reason: string };

const PLACEHOLDERS_MAX = 32;

/** Tokens of a template. The escape `{{{{` is matched first, so that `{{{{/a}}` is the text `{{/a}}`. */
const BRACES = /\{\{\{\{|\{\{(.*?)\}\}|\{\{/gs;

/**
 * Parses a text with JSON pointers, such as `{{/issue/title}}`. `{{{{` stands for two braces. Every other
 * brace, and `}}` outside a placeholder, is literal. A pointer ends at the first `}}`.
 */
export function parseTemplate(source: string): ParsedTemplate {
  const template: (string | Placeholder)[] = [];
  let end = 0;
  for (const { 0: match, 1: pointer, index } of source.matchAll(BRACES)) {
    template.push(source.slice(end, index));
    end = index + match.length;
    const tokens = pointer === undefined ? null : parsePointer(pointer);
    if (tokens) template.push({ pointer: pointer!, tokens });
    else if (match === "{{{{") template.push("{{");
    else return { ok: false, reason: malformed(index + 1, pointer) };
  }
  template.push(source.slice(end));
  if (template.filter((part) => typeof part !== "string").length > PLACEHOLDERS_MAX) {
    return { ok: false, reason: `A template may have at most ${PLACEHOLDERS_MAX} placeholders.` };
  }
  return { ok: true, template: template.filter((part) => part !== "") };
}

function malformed(position: number, pointer: string | undefined): string {
  return pointer === undefined
    ? `The placeholder at character ${position} has no end: write }} after it, or {{{{ for two braces.`
    : `The placeholder at character ${position} holds no JSON pointer: write one such as {{/issue/title}}, with ~ as ~0.`;
}

/**
 * Fills a template with values of the payload, each once and verbatim: braces in a value are text. A missing,
 * blank or non-scalar value is an error.
 */
export function fillTemplate(template: Template, payload: unknown): Filled {
  let text = "";
  for (const part of template) {
    if (typeof part === "string") {
      text += part;
      continue;
    }
    const value = valueAt(payload, part.tokens);
    const fault = faultOf(value);
    if (fault !== null) {
      const { pointer } = part;
      return { ok: false, pointer, reason: `The payload has ${fault} at ${quoted(pointer)}.` };
    }
    text += String(value);
  }
  return { ok: true, text };
}

/** Describes a value that cannot be put in a text; null if it can. */
function faultOf(value: unknown): string | null {
  switch (typeof value) {
    case "undefined":
      return "nothing";
    case "string":
      return /^[\s\p{Cc}\p{Cf}]*$/u.test(value) ? "a blank text" : null;
    case "number":
      // JSON.parse has already rounded it, so it may not be the number that the sender wrote.
      return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
        ? null
        : "a number that is too large to be exact";
    case "boolean":
      return null;
    default:
      return value === null ? "null" : Array.isArray(value) ? "a list" : "an object";
  }
}
