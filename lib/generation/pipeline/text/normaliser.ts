import { type Charsmap, charsmapOf } from "./charsmap.ts";

/** Rules by which a SentencePiece model changes a text before it is cut into pieces. */
export interface NormaliserRules {
  /** Compiled replacements of characters; empty if there are none. */
  readonly charsmap: Uint8Array;
  readonly addsDummyPrefix: boolean;
  readonly removesExtraWhitespace: boolean;
  readonly escapesWhitespace: boolean;
  /** True if a word ends with its space, and does not begin with it. */
  readonly hasSpaceAsSuffix: boolean;
  /** Symbols that are never changed. */
  readonly untouched: readonly string[];
}

/** Mark that stands for a space in pieces. */
export const SPACE_MARK = "\u2581";

/**
 * Returns the function that changes a text as SentencePiece's normaliser does.
 *
 * @throws RangeError if the compiled replacements are damaged
 */
export function normaliser(rules: NormaliserRules): (text: string) => string {
  const charsmap = charsmapOf(rules.charsmap);
  const space = rules.escapesWhitespace ? SPACE_MARK : " ";
  const untouched = rules.untouched.map((symbol) => Buffer.from(symbol)).sort((a, b) => b.length - a.length);
  return (text) => {
    const bytes = Buffer.from(text);
    let result = rules.addsDummyPrefix && !rules.hasSpaceAsSuffix ? space : "";
    let isBlank = true;
    let isAfterSpace = rules.removesExtraWhitespace;
    for (let at = 0; at < bytes.length; ) {
      const { length, text: read } = next(bytes, at, charsmap, untouched);
      at += length;
      isBlank &&= read === " " && rules.removesExtraWhitespace;
      const kept = isAfterSpace ? read.replace(/^ +/, "") : read;
      if (kept !== "" && rules.removesExtraWhitespace) isAfterSpace = kept.endsWith(" ");
      result += kept.replaceAll(" ", space);
    }
    if (isBlank) return "";
    if (rules.removesExtraWhitespace) {
      while (result.endsWith(space)) result = result.slice(0, -space.length);
    }
    return rules.addsDummyPrefix && rules.hasSpaceAsSuffix ? result + space : result;
  };
}

/** Returns what begins at a byte, as it is replaced, and the number of bytes that it takes. */
function next(bytes: Buffer, at: number, charsmap: Charsmap, untouched: readonly Buffer[]) {
  const symbol = untouched.find((each) => bytes.subarray(at, at + each.length).equals(each));
  if (symbol) return { length: symbol.length, text: symbol.toString() };
  const replacement = charsmap.at(bytes, at);
  if (replacement.length > 0) return { length: replacement.length, text: utf8(replacement.bytes) };
  const length = characterLength(bytes[at]!);
  return { length, text: utf8(bytes.subarray(at, at + length)) };
}

const utf8 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();

/** Returns the number of bytes of a character of well-formed UTF-8, by its first. */
function characterLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
