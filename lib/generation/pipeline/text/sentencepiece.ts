import { normaliser } from "./normaliser.ts";
import { booleanOf, bytesOf, type Fields, fieldsOf, floatOf, integerOf, one } from "./protobuf.ts";
import { type Piece, unigram } from "./unigram.ts";

/** Pieces that texts are cut into, and the function that does so. */
export interface TokenVocabulary {
  /** Texts of all pieces, by their ids. */
  readonly pieces: readonly string[];
  readonly unknownId: number;
  /** Returns the ids of a well-formed text. No text is read as an unknown, control or byte piece. */
  idsOf(text: string): number[];
}

/**
 * Reads a SentencePiece model (`spiece.model`) of the kind Unigram. It cuts texts as the library does, by the options
 * that the file has: its normaliser, the space before a text, spaces that are removed or kept, bytes in place of
 * unknown characters, and symbols that are always taken whole.
 *
 * @param reserved Pieces that no text matches, whatever the file says
 * @throws RangeError if the file is damaged or a model of another kind
 * @see `sentencepiece_model.proto` of github.com/google/sentencepiece
 */
export function readSentencePiece(file: Uint8Array, reserved: readonly string[]): TokenVocabulary {
  const model = fieldsOf(file);
  const trainer = fieldsOf(bytesOf(one(model, MODEL.trainer)));
  const kind = integerOf(one(trainer, TRAINER.modelType), UNIGRAM);
  if (kind !== UNIGRAM)
    throw new RangeError(`it is a ${KINDS[kind] ?? "strange"} model, and only Unigram is read`);
  const pieces = (model.get(MODEL.piece) ?? []).map((field, id) => pieceOf(fieldsOf(bytesOf(field)), id));
  const unknown = pieces.find(({ type }) => type === TYPE.unknown);
  if (!unknown) throw new RangeError("it has no piece for unknown characters");
  const symbols = pieces.filter(({ type }) => type === TYPE.userDefined).map(({ text }) => text);
  const normalise = normaliserOf(fieldsOf(bytesOf(one(model, MODEL.normalizer))), trainer, symbols);
  const cut = unigram(matchable(pieces, reserved));
  const bytes = booleanOf(one(trainer, TRAINER.byteFallback), false) ? byteIds(pieces) : null;
  return {
    pieces: pieces.map(({ text }) => text),
    unknownId: unknown.id,
    idsOf(text) {
      const cuts = cut(normalise(text));
      return cuts.flatMap(({ id, text }, index) => {
        if (id !== null) return [id];
        if (bytes) return [...Buffer.from(text)].map((byte) => bytes[byte]!);
        // One id stands for a run of unknown characters.
        return cuts[index - 1]?.id === null ? [] : [unknown.id];
      });
    },
  };
}

const MODEL = { piece: 1, trainer: 2, normalizer: 3 } as const;
const PIECE = { text: 1, score: 2, type: 3 } as const;
const TRAINER = { modelType: 3, hasSpaceAsSuffix: 24, byteFallback: 35 } as const;
const NORMALIZER = { charsmap: 2, dummyPrefix: 3, extraWhitespace: 4, escape: 5 } as const;
const TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;
const UNIGRAM = 1;
const KINDS: Readonly<Record<number, string>> = { 2: "BPE", 3: "Word", 4: "Char" };

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface TypedPiece extends Piece {
  readonly text: string;
  readonly type: number;
}

function pieceOf(fields: Fields, id: number): TypedPiece {
  const type = integerOf(one(fields, PIECE.type), TYPE.normal);
  return {
    id,
    text: utf8.decode(bytesOf(one(fields, PIECE.text))),
    score: floatOf(one(fields, PIECE.score)),
    type,
    isUserDefined: type === TYPE.userDefined,
  };
}

/** Returns the pieces that a text can be cut into. Unused ones stay in the vocabulary and match nothing. */
function matchable(pieces: readonly TypedPiece[], reserved: readonly string[]): Map<string, Piece> {
  const types: readonly number[] = [TYPE.normal, TYPE.userDefined];
  const matched = pieces.filter(({ text, type }) => types.includes(type) && !reserved.includes(text));
  return new Map(matched.map((piece) => [piece.text, piece]));
}

function normaliserOf(fields: Fields, trainer: Fields, untouched: readonly string[]) {
  return normaliser({
    charsmap: bytesOf(one(fields, NORMALIZER.charsmap)),
    addsDummyPrefix: booleanOf(one(fields, NORMALIZER.dummyPrefix), true),
    removesExtraWhitespace: booleanOf(one(fields, NORMALIZER.extraWhitespace), true),
    escapesWhitespace: booleanOf(one(fields, NORMALIZER.escape), true),
    hasSpaceAsSuffix: booleanOf(one(trainer, TRAINER.hasSpaceAsSuffix), false),
    untouched,
  });
}

/** Returns the ids of the pieces `<0x00>` to `<0xFF>`. */
function byteIds(pieces: readonly TypedPiece[]): number[] {
  const ids = new Map(pieces.filter(({ type }) => type === TYPE.byte).map(({ text, id }) => [text, id]));
  return Array.from({ length: 256 }, (_, byte) => {
    const id = ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
    if (id === undefined) throw new RangeError(`it lacks a piece for the byte ${byte}`);
    return id;
  });
}
