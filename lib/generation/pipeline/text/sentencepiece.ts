/**
 * Converts the vocabulary of a SentencePiece model (`spiece.model`) to the contents of a `tokenizer.json`.
 *
 * @throws RangeError if the file is damaged or not a Unigram model
 * @see `sentencepiece_model.proto` of github.com/google/sentencepiece
 */
export function tokenizerOfSentencePiece(file: Uint8Array): object {
  const model = fieldsOf(file);
  const trainer = fieldsOf(bytesOf(one(model, MODEL.trainer)));
  const normalizer = fieldsOf(bytesOf(one(model, MODEL.normalizer)));
  if ((one(trainer, TRAINER.modelType) ?? UNIGRAM) !== UNIGRAM) {
    throw new RangeError("it is not a Unigram model");
  }
  const pieces = (model.get(MODEL.piece) ?? []).map((piece) => {
    const fields = fieldsOf(bytesOf(piece));
    const [text, score, type] = [one(fields, PIECE.text), one(fields, PIECE.score), one(fields, PIECE.type)];
    return {
      text: utf8.decode(bytesOf(text)),
      score: score === undefined ? 0 : float(bytesOf(score)),
      isSpecial: type === UNKNOWN || type === CONTROL,
    };
  });
  const charsmap = Buffer.from(bytesOf(one(normalizer, NORMALIZER.charsmap))).toString("base64");
  return {
    added_tokens: pieces.flatMap(({ text, isSpecial }, id) =>
      isSpecial ? [{ id, content: text, special: true, normalized: false }] : [],
    ),
    normalizer: {
      type: "Sequence",
      normalizers: [
        ...(charsmap === "" ? [] : [{ type: "Precompiled", precompiled_charsmap: charsmap }]),
        { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
        { type: "Strip", strip_left: true, strip_right: true },
      ],
    },
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    post_processor: null,
    decoder: null,
    model: {
      type: "Unigram",
      unk_id: Number(one(trainer, TRAINER.unknownId) ?? 0),
      vocab: pieces.map(({ text, score }) => [text, score]),
      byte_fallback: false,
    },
  };
}

const MODEL = { piece: 1, trainer: 2, normalizer: 3 } as const;
const PIECE = { text: 1, score: 2, type: 3 } as const;
const TRAINER = { modelType: 3, unknownId: 40 } as const;
const NORMALIZER = { charsmap: 2 } as const;
const UNIGRAM = 1n;
const UNKNOWN = 2n;
const CONTROL = 3n;

const utf8 = new TextDecoder("utf-8", { fatal: true });

type Field = bigint | Uint8Array;
type Fields = ReadonlyMap<number, readonly Field[]>;

/** Parses the fields of a protobuf message by number: varints as integers, all other fields as bytes. */
function fieldsOf(message: Uint8Array): Fields {
  const fields = new Map<number, Field[]>();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("it ends in the middle of a number");
  };
  const bytes = (length: number) => {
    if (length > message.length - at) throw new RangeError("it ends in the middle of a field");
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const key = Number(varint());
    const value = fieldValue(key & 7, varint, bytes);
    const values = fields.get(key >> 3);
    if (values) values.push(value);
    else fields.set(key >> 3, [value]);
  }
  return fields;
}

function fieldValue(wireType: number, varint: () => bigint, bytes: (length: number) => Uint8Array): Field {
  if (wireType === 0) return varint();
  if (wireType === 1) return bytes(8);
  if (wireType === 2) return bytes(Number(varint()));
  if (wireType === 5) return bytes(4);
  throw new RangeError(`it has a field of the unknown wire type ${wireType}`);
}

/** Returns the last value of a field that is not repeated. */
function one(fields: Fields, number: number): Field | undefined {
  return fields.get(number)?.at(-1);
}

function bytesOf(field: Field | undefined): Uint8Array {
  if (typeof field === "bigint") throw new RangeError("it has a number in place of bytes");
  return field ?? new Uint8Array();
}

function float(bytes: Uint8Array): number {
  if (bytes.length !== 4) throw new RangeError("it has a score that is not a 32-bit float");
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true);
}
