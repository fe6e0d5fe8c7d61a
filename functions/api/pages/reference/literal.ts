/** Words of a language for JSON's constants, and how it writes the name of a member. */
export interface LiteralStyle {
  readonly words: Readonly<Record<"true" | "false" | "null", string>>;
  /** Characters after the last entry of a list or object that has a line for each. */
  readonly end: string;
  /** Characters between the braces of an object on one line and its members. */
  readonly space: string;
  name(name: string): string;
}

const JSON_STYLE: LiteralStyle = {
  words: { true: "true", false: "false", null: "null" },
  end: "",
  space: "",
  name: (name) => JSON.stringify(name),
};

export const JAVASCRIPT: LiteralStyle = {
  words: JSON_STYLE.words,
  end: ",",
  space: " ",
  name: (name) => (/^[a-z_]\w*$/i.test(name) ? name : JSON.stringify(name)),
};

export const PYTHON: LiteralStyle = {
  words: { true: "True", false: "False", null: "None" },
  end: ",",
  space: "",
  name: (name) => JSON.stringify(name),
};

const LINE_CHARACTERS_MAX = 64;

/** Writes a JSON value as JSON for people: what is short stands on one line. */
export const json = (value: unknown, indent = "") => literal(value, JSON_STYLE, indent);

/** Writes a JSON value as a literal: on one line if it fits there, otherwise with two spaces a level. */
export function literal(value: unknown, style: LiteralStyle, indent = ""): string {
  const short = inline(value, style);
  if (indent.length + short.length <= LINE_CHARACTERS_MAX || typeof value !== "object" || value === null)
    return short;
  // A long list of numbers is read more easily as one line than with a line for each.
  if (Array.isArray(value) && value.every((each) => typeof each === "number")) return short;
  const inner = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((each) => literal(each, style, inner))
    : Object.entries(value).map(([name, each]) => `${style.name(name)}: ${literal(each, style, inner)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return `${open}\n${lines.map((line) => `${inner}${line}`).join(",\n")}${style.end}\n${indent}${close}`;
}

function inline(value: unknown, style: LiteralStyle): string {
  if (value === null || typeof value === "boolean")
    return style.words[String(value) as "true" | "false" | "null"];
  if (typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((each) => inline(each, style)).join(", ")}]`;
  const members = Object.entries(value).map(([name, each]) => `${style.name(name)}: ${inline(each, style)}`);
  if (members.length === 0) return "{}";
  return `{${style.space}${members.join(", ")}${style.space}}`;
}
