/** Replacement of the longest known beginning of a text. */
export interface Replacement {
  /** UTF-8 bytes that are replaced; 0 where no rule begins as the text does. */
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** Rules of replacing characters, for example those of NFKC. */
export interface Charsmap {
  /** Returns the replacement of what begins at a byte of a text. */
  at(text: Uint8Array, from: number): Replacement;
}

const NOTHING: Replacement = { length: 0, bytes: new Uint8Array() };

/**
 * Reads the rules that SentencePiece compiles into its models: the size of a trie, its units of 32 bits, and after them
 * the replacements, each ended by a zero byte.
 *
 * @throws RangeError if they are damaged
 * @see the double-array trie of github.com/s-yata/darts-clone, for the bits of a unit
 */
export function charsmapOf(compiled: Uint8Array): Charsmap {
  if (compiled.length === 0) return { at: () => NOTHING };
  const view = new DataView(compiled.buffer, compiled.byteOffset, compiled.byteLength);
  const size = compiled.length < 4 ? 0 : view.getUint32(0, true);
  if (size === 0 || size % 4 !== 0 || size > compiled.length - 4) {
    throw new RangeError("the rules of its normaliser are damaged");
  }
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + i * 4, true));
  const replacements = compiled.subarray(4 + size);
  return {
    at(text, from) {
      let longest: { length: number; value: number } | undefined;
      let node = offsetOf(units[0]!);
      for (let at = from; at < text.length; at++) {
        node ^= text[at]!;
        const unit = units[node] ?? 0;
        if (labelOf(unit) !== text[at]) break;
        node ^= offsetOf(unit);
        if (hasLeaf(unit)) longest = { length: at + 1 - from, value: (units[node] ?? 0) & 0x7fffffff };
      }
      if (!longest) return NOTHING;
      const end = replacements.indexOf(0, longest.value);
      return {
        length: longest.length,
        bytes: replacements.subarray(longest.value, end < 0 ? undefined : end),
      };
    },
  };
}

/** Returns the byte that leads to a unit; a leaf has none. */
function labelOf(unit: number): number {
  return unit >>> 31 === 1 ? -1 : unit & 0xff;
}

function hasLeaf(unit: number): boolean {
  return ((unit >>> 8) & 1) === 1;
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
