/**
 * Parses a JSON pointer into its reference tokens; null if the text is not one. Source: RFC 6901, sections 3
 * and 4.
 */
export function parsePointer(text: string): string[] | null {
  if ((text !== "" && !text.startsWith("/")) || /~(?![01])/.test(text)) return null;
  // The order matters: "~01" is "~1", not a slash.
  const unescaped = (token: string) => token.replaceAll("~1", "/").replaceAll("~0", "~");
  return text.split("/").slice(1).map(unescaped);
}

/** Returns the value at the tokens in a JSON document, or undefined. Only own members are followed. */
export function valueAt(document: unknown, tokens: readonly string[]): unknown {
  let value = document;
  for (const token of tokens) {
    if (typeof value !== "object" || value === null) return undefined;
    if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(token)) return undefined;
    if (!Object.hasOwn(value, token)) return undefined;
    value = (value as Record<string, unknown>)[token];
  }
  return value;
}
