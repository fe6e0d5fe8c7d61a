/** Value of a field: varints as integers, all other kinds as bytes. */
export type Field = bigint | Uint8Array;

/** Fields of a message by their numbers. */
export type Fields = ReadonlyMap<number, readonly Field[]>;

/**
 * Parses the fields of a protobuf message.
 *
 * @throws RangeError if it is damaged
 */
export function fieldsOf(message: Uint8Array): Fields {
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
export function one(fields: Fields, number: number): Field | undefined {
  return fields.get(number)?.at(-1);
}

export function bytesOf(field: Field | undefined): Uint8Array {
  if (typeof field === "bigint") throw new RangeError("it has a number in place of bytes");
  return field ?? new Uint8Array();
}

export function integerOf(field: Field | undefined, byDefault: number): number {
  if (field instanceof Uint8Array) throw new RangeError("it has bytes in place of a number");
  return field === undefined ? byDefault : Number(field);
}

export function booleanOf(field: Field | undefined, byDefault: boolean): boolean {
  return integerOf(field, byDefault ? 1 : 0) !== 0;
}

export function floatOf(field: Field | undefined): number {
  if (field === undefined) return 0;
  const bytes = bytesOf(field);
  if (bytes.length !== 4) throw new RangeError("it has a score that is not a 32-bit float");
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true);
}
