/** The reference tokens of a JSON pointer, or null if the text is none. Source: RFC 6901, sections 3 and 4. */
export function parsePointer(text: string): string[] | null {
  if ((text !== "" && !text.startsWith("/")) || /~(?![01])/.test(text)) return null;
  // In this order: "~01" is "~1", and no slash.
  const unescaped = (token: string) => token.replaceAll("~1", "/").replaceAll("~0", "~");
  return text.split("/").slice(1).map(unescaped);
}

/** What the tokens lead to in a JSON value, by own members only; undefined where there is nothing. */
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
