/** Piece of a Unigram vocabulary. */
export interface Piece {
  readonly id: number;
  /** Logarithm of its probability, as a 32-bit float. */
  readonly score: number;
  /** True if the piece is taken wherever its text occurs. */
  readonly isUserDefined: boolean;
}

/** Pieces that a text can be cut into, by their text. Unknown, control and byte pieces are not among them. */
export type Pieces = ReadonlyMap<string, Piece>;

/** Piece of a text, and its id; null if it is a character that the vocabulary lacks. */
export interface Cut {
  readonly text: string;
  readonly id: number | null;
}

/** Difference of the scores of an unknown character and the rarest piece, as the reference has it. */
const UNKNOWN_PENALTY = 10;

/** Best way to a place in a text. */
interface Way {
  readonly score: number;
  readonly from: number;
  readonly id: number | null;
}

/**
 * Returns the function that cuts a normalised text into its most probable pieces. If several ways are equally probable,
 * the one whose last piece is longest wins. Sums are rounded to 32-bit floats, as the reference adds them up, because
 * that decides which ways are equal.
 *
 * @see T. Kudo, "Subword Regularization", ACL 2018 (arXiv 1804.10959), section 3.2
 */
export function unigram(pieces: Pieces): (text: string) => Cut[] {
  const ordinary = [...pieces.values()].filter((piece) => !piece.isUserDefined).map(({ score }) => score);
  const [least, most] = [minimum(ordinary), -minimum(ordinary.map((score) => -score))];
  const unknown = Math.fround(least - UNKNOWN_PENALTY);
  let longest = 0;
  for (const text of pieces.keys()) longest = Math.max(longest, text.length);
  const scoreOf = (piece: Piece, text: string) =>
    piece.isUserDefined ? Math.fround(Buffer.byteLength(text) * most) - 0.1 : piece.score;

  return (text) => {
    const ways = new Array<Way | undefined>(text.length + 1);
    ways[0] = { score: 0, from: 0, id: null };
    const offer = (to: number, way: Way) => {
      const known = ways[to];
      if (!known || way.score > known.score) ways[to] = way;
    };
    for (let from = 0; from < text.length; ) {
      const before = ways[from]!.score;
      const character = text.codePointAt(from)! > 0xffff ? 2 : 1;
      let isKnown = false;
      for (let to = from + character; to <= Math.min(text.length, from + longest); to++) {
        const span = text.slice(from, to);
        const piece = pieces.get(span);
        if (!piece) continue;
        offer(to, { score: Math.fround(scoreOf(piece, span) + before), from, id: piece.id });
        if (to === from + character) isKnown = true;
      }
      if (!isKnown) offer(from + character, { score: Math.fround(unknown + before), from, id: null });
      from += character;
    }
    const cuts: Cut[] = [];
    for (let to = text.length; to > 0; to = ways[to]!.from) {
      const { from, id } = ways[to]!;
      cuts.push({ text: text.slice(from, to), id });
    }
    return cuts.reverse();
  };
}

/** Returns the least of many numbers; 0 if there are none. */
function minimum(numbers: readonly number[]): number {
  return numbers.reduce((least, number) => Math.min(least, number), numbers[0] ?? 0);
}
