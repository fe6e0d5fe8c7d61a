/** Converts IEEE 754 half precision, little-endian, to float32. */
export function float16ToFloat32(bytes: Uint8Array): Float32Array {
  return decode(bytes, (bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

/** Converts bfloat16 (the upper half of a float32), little-endian, to float32. */
export function bfloat16ToFloat32(bytes: Uint8Array): Float32Array {
  const scratch = new DataView(new ArrayBuffer(4));
  return decode(bytes, (bits) => {
    scratch.setUint16(0, bits);
    return scratch.getFloat32(0);
  });
}

function decode(bytes: Uint8Array, toFloat: (bits: number) => number): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.byteLength / 2 }, (_, index) =>
    toFloat(view.getUint16(2 * index, true)),
  );
}
