import { quoted } from "../../shared/sentences/index.ts";

export type StrictJson = null | boolean | number | string | StrictJson[] | Map<string, StrictJson>;

export interface JsonLimits {
  readonly depthMax: number;
  /** Maximum number of values of any kind in the whole text. */
  readonly valuesMax: number;
  /**
   * True if NaN, Infinity and -Infinity are numbers. They are no JSON, but Python writes them, and so diffusers saves
   * them in configurations of schedulers.
   */
  readonly takesNonFinite?: boolean;
}

const nonFinite: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

/**
 * Parses JSON from an untrusted file. Unlike `JSON.parse` it refuses duplicate keys, for which parsers
 * disagree on the winner, and limits depth and number of values. Objects become Maps, so that keys such as
 * `__proto__` have no special meaning.
 *
 * @throws SyntaxError whose message continues a sentence that begins with "the header"
 */
export function parseStrictJson(
  text: string,
  { depthMax, valuesMax, takesNonFinite = false }: JsonLimits,
): StrictJson {
  let position = 0;
  let values = 0;

  // Scanned by hand: a regular expression keeps a stack entry for each character of a hostile, very long token.
  function skipWhitespace(): void {
    while (" \t\n\r".includes(text[position] ?? "x")) position += 1;
  }

  function take(symbol: string): boolean {
    skipWhitespace();
    if (text[position] !== symbol) return false;
    position += 1;
    return true;
  }

  function expect(symbol: string): void {
    if (!take(symbol)) throw new SyntaxError(`lacks ${symbol} at character ${position}`);
  }

  function parseToken(start: number): StrictJson {
    try {
      return JSON.parse(text.slice(start, position)) as StrictJson;
    } catch (cause) {
      throw new SyntaxError(`has no valid value at character ${start}`, { cause });
    }
  }

  function parseString(): string {
    const start = position;
    expect('"');
    while (position < text.length && text[position] !== '"') position += text[position] === "\\" ? 2 : 1;
    position += 1;
    return parseToken(text.indexOf('"', start)) as string;
  }

  function inside(depth: number): number {
    if (depth === depthMax) throw new SyntaxError(`is nested deeper than ${depthMax} levels`);
    return depth + 1;
  }

  function parseObject(depth: number): StrictJson {
    const entries = new Map<string, StrictJson>();
    if (take("}")) return entries;
    do {
      const key = parseString();
      if (entries.has(key)) throw new SyntaxError(`has the key ${quoted(key)} twice`);
      expect(":");
      entries.set(key, parseValue(depth));
    } while (take(","));
    expect("}");
    return entries;
  }

  function parseArray(depth: number): StrictJson {
    const items: StrictJson[] = [];
    if (take("]")) return items;
    do items.push(parseValue(depth));
    while (take(","));
    expect("]");
    return items;
  }

  function parseValue(depth: number): StrictJson {
    values += 1;
    if (values > valuesMax) throw new SyntaxError(`has more than ${valuesMax} values`);
    if (take("{")) return parseObject(inside(depth));
    if (take("[")) return parseArray(inside(depth));
    if (text[position] === '"') return parseString();
    const start = position;
    while (position < text.length && !",]} \t\n\r".includes(text[position]!)) position += 1;
    const word = text.slice(start, position);
    return takesNonFinite && Object.hasOwn(nonFinite, word) ? nonFinite[word]! : parseToken(start);
  }

  const value = parseValue(0);
  skipWhitespace();
  if (position < text.length) throw new SyntaxError(`goes on after its end, at character ${position}`);
  return value;
}
