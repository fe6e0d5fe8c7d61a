/** Values of ASN.1 in DER (ITU-T X.690), as far as certificates need them. */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

function value(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return [0x80 | bytes.length, ...bytes];
}

/** Writes values of DER, each with its tag and its length. */
export const der = {
  sequence: (...parts: readonly Uint8Array[]) => value(TAG.sequence, ...parts),
  set: (...parts: readonly Uint8Array[]) => value(TAG.set, ...parts),
  oid: (text: string) => value(TAG.oid, oidBytes(text)),
  yes: () => value(TAG.boolean, Buffer.from([0xff])),
  utf8: (text: string) => value(TAG.utf8, Buffer.from(text)),
  octets: (bytes: Uint8Array) => value(TAG.octetString, bytes),
  /** Bits of whole bytes, except that `unused` of the last byte do not count. */
  bits: (bytes: Uint8Array, unused = 0) => value(TAG.bitString, Buffer.from([unused]), bytes),
  /** Positive integer of big-endian bytes. */
  integer: (bytes: Uint8Array) =>
    value(TAG.integer, (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes),
  /** Context-specific value that holds others. */
  tagged: (number: number, ...parts: readonly Uint8Array[]) => value(0xa0 | number, ...parts),
  /** Context-specific value of bytes. */
  implicit: (number: number, bytes: Uint8Array) => value(0x80 | number, bytes),
  /** Time of a certificate: until 2049 with two digits of the year (RFC 5280, 4.1.2.5). */
  time(ms: number) {
    const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
    const isShort = Number(text.slice(0, 4)) < 2050;
    return value(isShort ? TAG.utcTime : TAG.generalizedTime, Buffer.from(isShort ? text.slice(2) : text));
  },
};

function oidBytes(text: string): Buffer {
  const [first, second, ...rest] = text.split(".").map(Number);
  const bytes = [first! * 40 + second!, ...rest].flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      digits.unshift((left & 0x7f) | 0x80);
    }
    return digits;
  });
  return Buffer.from(bytes);
}

/** Value that was read, without what is inside. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Reads the values that stand one after another in bytes. Ends at one that goes beyond them. */
export function derValues(bytes: Uint8Array): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const tag = bytes[at]!;
    const short = bytes[at + 1]!;
    const more = short & 0x80 ? short & 0x7f : 0;
    if (more > 4) break;
    const length =
      more === 0 ? short : Buffer.from(bytes.subarray(at + 2, at + 2 + more)).readUIntBE(0, more);
    const start = at + 2 + more;
    if (start + length > bytes.length) break;
    values.push({ tag, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return values;
}

/** Returns whether a value is an object identifier, and which one it must be. */
export function isOid({ tag, content }: DerValue, text: string): boolean {
  return tag === TAG.oid && oidBytes(text).equals(content);
}

/** Returns whether a value is the boolean "true". */
export function isYes(value: DerValue | undefined): boolean {
  return value?.tag === TAG.boolean && value.content[0] === 0xff;
}
