/**
 * Describes a wrong value. Numbers, truth values and null are shown; texts and what contains them may be private or
 * long, and are named by their type. Returns null for a value that no words describe.
 */
export function shown(value: unknown): string | null {
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  switch (typeof value) {
    case "string":
      return value === "" ? "an empty text" : "a text";
    case "number":
      return Number.isFinite(value) ? String(value) : null;
    case "boolean":
      return String(value);
    case "object":
      return "an object";
    default:
      return null;
  }
}

/** Describes a text or a list whose length is wrong. */
export function shownLength(value: unknown): string | null {
  const { length } = value as { length: number };
  return length === 0 ? "an empty one" : `one of ${length}`;
}
