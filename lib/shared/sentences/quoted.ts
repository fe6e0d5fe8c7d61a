/** Limit of the length of a text of somebody else that a sentence repeats. */
const CHARACTERS_MAX = 60;

/** Shortens a text for a sentence: its beginning, and dots in place of what is left out. */
export function cut(text: string, charactersMax = CHARACTERS_MAX): string {
  return text.length > charactersMax ? `${text.slice(0, charactersMax - 3)}...` : text;
}

/** Writes a value of a request or a file as in JSON, on one line, and cut if it is long. */
export function quoted(value: unknown, charactersMax = CHARACTERS_MAX): string {
  return typeof value === "string"
    ? JSON.stringify(cut(value, charactersMax))
    : cut(JSON.stringify(value) ?? String(value), charactersMax);
}
