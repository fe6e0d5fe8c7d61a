/**
 * Returns the URL that a text is, or null if it is none. `URL.canParse` is not asked: Node 20.20 refuses texts with
 * letters such as ü once it has been called some thousand times and is compiled (a test shows it).
 *
 * @param base URL that a relative one is resolved against
 */
export function parsedUrl(text: string, base?: URL): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}
