/** Type and size of a picture, as its first bytes tell them. Nothing is decoded. */
export interface PictureHeader {
  readonly contentType: `image/${"png" | "jpeg" | "webp" | "gif" | "tiff" | "avif"}`;
  /** Pixels as they are stored, before an orientation in EXIF data is applied. */
  readonly width: number;
  readonly height: number;
}

/** Reads the size in a file of one type; null if it is not where such a file has it. */
type ReadSize = (bytes: DataView) => { readonly width: number; readonly height: number } | null;

/**
 * Reads type and size from the bytes of a picture, whatever its name or sender says of it. Takes no more time than it
 * takes to read the bytes once.
 *
 * @returns null if the bytes are no picture of a type that is read here
 */
export function readPictureHeader(bytes: Uint8Array): PictureHeader | null {
  const found = READERS.find(({ signature }) => signature.test(startOf(bytes)));
  const size = found?.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return found && size ? { contentType: found.contentType, ...size } : null;
}

/** Names what bytes are that are often sent in place of a picture, for a sentence; null if they are something else. */
export function likelyKindOf(bytes: Uint8Array): string | null {
  const start = startOf(bytes);
  return OTHERS.find(([signature]) => signature.test(start))?.[1] ?? null;
}

/** Reads the first bytes as Latin-1, in which every byte is the character of its number. */
function startOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 300)).toString("latin1");
}

const OTHERS: readonly (readonly [signature: RegExp, name: string])[] = [
  [/^....ftyp(hei|hev|mif1|msf1)/s, "a HEIC picture"],
  [/^....ftyp/s, "a video"],
  [/^.E\xdf\xa3/s, "a video"],
  [/^(\xff\n|\0\0\0.JXL )/s, "a JPEG XL picture"],
  [/^BM.{8}/s, "a BMP picture"],
  [/^8BPS/, "a Photoshop file"],
  [/^%PDF-/, "a PDF file"],
  [
    /^(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg\b/is,
    "an SVG drawing",
  ],
  [/^(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)?<(!doctype html|html|head|body)\b/is, "a web page"],
  [/^(\xef\xbb\xbf)?\s*[{[]/, "a text, perhaps JSON"],
];

/** PNG: the header is the first chunk (PNG specification, section 11.2.1). */
const pngSize: ReadSize = (bytes) =>
  bytes.byteLength < 24 ? null : { width: bytes.getUint32(16), height: bytes.getUint32(20) };

/** GIF: the logical screen (GIF89a, section 18). */
const gifSize: ReadSize = (bytes) =>
  bytes.byteLength < 10 ? null : { width: bytes.getUint16(6, true), height: bytes.getUint16(8, true) };

/** Markers of JPEG without a length: TEM, RST0 to RST7 and SOI. */
const isBare = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);

/** Markers of JPEG frames: SOF0 to SOF15, without the tables DHT, JPG and DAC among their numbers. */
const isFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** JPEG: the first frame header (ITU-T T.81, section B.2.2). Pictures inside of segments are skipped. */
const jpegSize: ReadSize = (bytes) => {
  let at = 2;
  while (at + 9 <= bytes.byteLength) {
    if (bytes.getUint8(at) !== 0xff) return null;
    const marker = bytes.getUint8(at + 1);
    if (marker === 0xff) at += 1;
    else if (isBare(marker)) at += 2;
    else if (isFrame(marker)) return { width: bytes.getUint16(at + 7), height: bytes.getUint16(at + 5) };
    // The scan begins, or the picture ends, without a frame.
    else if (marker === 0xda || marker === 0xd9) return null;
    else at += 2 + Math.max(2, bytes.getUint16(at + 2));
  }
  return null;
};

/** WebP: the first chunk, of one of three kinds (RFC 9649, section 2.5 to 2.7; RFC 6386, section 9.1). */
const webpSize: ReadSize = (bytes) => {
  if (bytes.byteLength < 30) return null;
  switch (bytes.getUint32(12)) {
    case 0x56503820: // "VP8 "
      if (bytes.getUint16(23) !== 0x9d01 || bytes.getUint8(25) !== 0x2a) return null;
      return { width: bytes.getUint16(26, true) & 0x3fff, height: bytes.getUint16(28, true) & 0x3fff };
    case 0x5650384c: {
      // "VP8L"
      if (bytes.getUint8(20) !== 0x2f) return null;
      const bits = bytes.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 0x56503858: // "VP8X"
      return { width: uint24(bytes, 24) + 1, height: uint24(bytes, 27) + 1 };
    default:
      return null;
  }
};

const uint24 = (bytes: DataView, at: number) => bytes.getUint16(at, true) + bytes.getUint8(at + 2) * 0x10000;

const [TIFF_WIDTH, TIFF_HEIGHT] = [256, 257];
const TIFF_ENTRY_BYTES = 12;

/** TIFF: the first folder of tags (TIFF 6.0, section 2). */
const tiffSize: ReadSize = (bytes) => {
  if (bytes.byteLength < 8) return null;
  const isLittle = bytes.getUint8(0) === 0x49;
  const folder = bytes.getUint32(4, isLittle);
  if (folder + 2 > bytes.byteLength) return null;
  const sides = new Map<number, number>();
  const count = bytes.getUint16(folder, isLittle);
  for (let index = 0; index < count; index += 1) {
    const entry = folder + 2 + index * TIFF_ENTRY_BYTES;
    if (entry + TIFF_ENTRY_BYTES > bytes.byteLength) break;
    const isShort = bytes.getUint16(entry + 2, isLittle) === 3;
    const value = isShort ? bytes.getUint16(entry + 8, isLittle) : bytes.getUint32(entry + 8, isLittle);
    sides.set(bytes.getUint16(entry, isLittle), value);
  }
  const [width, height] = [sides.get(TIFF_WIDTH), sides.get(TIFF_HEIGHT)];
  return width === undefined || height === undefined ? null : { width, height };
};

/** Name of a box of ISO base media files, as a number. */
const boxName = (name: string) => Buffer.from(name, "latin1").readUInt32BE();

/** AVIF: the largest of the extents that its items have, in the box `meta` (ISO/IEC 23008-12, section 6.5.3). */
const avifSize: ReadSize = (bytes) => {
  let at = 0;
  while (at + 8 <= bytes.byteLength && bytes.getUint32(at + 4) !== boxName("meta"))
    at += Math.max(8, bytes.getUint32(at));
  if (at + 8 > bytes.byteLength) return null;
  const end = Math.min(bytes.byteLength, at + bytes.getUint32(at));
  let largest = { width: 0, height: 0 };
  for (let box = at + 8; box + 16 <= end; box += 1) {
    if (bytes.getUint32(box) !== boxName("ispe")) continue;
    const extent = { width: bytes.getUint32(box + 8), height: bytes.getUint32(box + 12) };
    if (extent.width * extent.height > largest.width * largest.height) largest = extent;
  }
  return largest.width > 0 ? largest : null;
};

const READERS: readonly {
  readonly contentType: PictureHeader["contentType"];
  readonly signature: RegExp;
  readonly read: ReadSize;
}[] = [
  { contentType: "image/png", signature: /^\x89PNG\r\n.\n.{4}IHDR/s, read: pngSize },
  { contentType: "image/jpeg", signature: /^\xff\xd8\xff/, read: jpegSize },
  { contentType: "image/webp", signature: /^RIFF.{4}WEBPVP8/s, read: webpSize },
  { contentType: "image/gif", signature: /^GIF8[79]a/, read: gifSize },
  { contentType: "image/avif", signature: /^....ftypavi[fs]/s, read: avifSize },
  { contentType: "image/tiff", signature: /^(II\*\0|MM\0\*)/, read: tiffSize },
];
