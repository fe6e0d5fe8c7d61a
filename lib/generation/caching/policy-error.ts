/** A cache policy of a user that cannot be used. The message is one sentence: why, and what to write instead. */
export class CachePolicyError extends Error {
  override readonly name = "CachePolicyError";
}

/** Writes a value as the user wrote it, cut to a length that fits a sentence. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
