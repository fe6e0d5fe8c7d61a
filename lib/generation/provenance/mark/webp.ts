import { fourCharacters, type Source, sourceOf, viewOf } from "../source.ts";
import { PACKET_BYTES_MAX } from "./packet.ts";

interface Chunk {
  readonly type: string;
  readonly at: number;
  /** Bytes of the content, without the header and the padding. */
  readonly size: number;
}

const RIFF_HEADER = 12;
const CHUNK_HEADER = 8;
const CHUNKS_MAX = 100_000;
const HAS_XMP = 0x04;
const HAS_ALPHA = 0x10;

/** Returns whether a source begins as a WebP does. */
export async function isWebp(source: Source): Promise<boolean> {
  const begin = await source.read(0, RIFF_HEADER);
  const isWhole = begin.length === RIFF_HEADER;
  return isWhole && fourCharacters(begin, 0) === "RIFF" && fourCharacters(begin, 8) === "WEBP";
}

/** Reads the chunks of a WebP, in order. Ends at one that goes beyond the file. */
async function* chunksOf(source: Source): AsyncGenerator<Chunk> {
  for (let at = RIFF_HEADER, count = 0; count < CHUNKS_MAX; count++) {
    const header = await source.read(at, CHUNK_HEADER);
    if (header.length < CHUNK_HEADER) return;
    const size = viewOf(header).getUint32(4, true);
    if (at + CHUNK_HEADER + size > source.size) return;
    yield { type: fourCharacters(header, 0), at, size };
    at += CHUNK_HEADER + size + (size % 2);
  }
}

/**
 * Returns a WebP with an XMP packet, its last chunk. A still picture in the simple form gets the extended header
 * that metadata need (WebP container specification, "Extended File Format").
 *
 * @throws RangeError if it has no picture, or an XMP packet already
 */
export async function withPacketInWebp(webp: Uint8Array, packet: Uint8Array): Promise<Uint8Array> {
  const chunks: Chunk[] = [];
  for await (const chunk of chunksOf(sourceOf(webp))) chunks.push(chunk);
  const first = chunks[0];
  if (!first || chunks.some(({ type }) => type === "XMP "))
    throw new RangeError("The WebP cannot be marked.");
  const content = (chunk: Chunk) =>
    webp.subarray(chunk.at + CHUNK_HEADER, chunk.at + CHUNK_HEADER + chunk.size);
  const isExtended = first.type === "VP8X";
  const header = isExtended ? Uint8Array.from(content(first)) : extendedHeader(first.type, content(first));
  header[0]! |= HAS_XMP;
  const parts = chunks.slice(isExtended ? 1 : 0).map((chunk) => chunkBytes(chunk.type, content(chunk)));
  const body = [chunkBytes("VP8X", header), ...parts, chunkBytes("XMP ", packet)];
  return chunkBytes("RIFF", Buffer.concat([Buffer.from("WEBP", "latin1"), ...body]));
}

/** Returns the XMP packet of a WebP; null if it has none. */
export async function packetInWebp(source: Source): Promise<Uint8Array | null> {
  for await (const { type, at, size } of chunksOf(source)) {
    if (type === "XMP " && size <= PACKET_BYTES_MAX) return source.read(at + CHUNK_HEADER, size);
  }
  return null;
}

/** Returns whether a WebP has a chunk of Content Credentials (C2PA specification 2.2, A.3). */
export async function hasCredentialsChunk(source: Source): Promise<boolean> {
  for await (const { type } of chunksOf(source)) if (type === "C2PA") return true;
  return false;
}

function chunkBytes(type: string, content: Uint8Array): Buffer {
  const header = Buffer.from(`${type}\0\0\0\0`, "latin1");
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content, new Uint8Array(content.length % 2)]);
}

/** Returns the content of the extended header of a picture in the simple form. */
function extendedHeader(type: string, picture: Uint8Array): Uint8Array {
  if ((type !== "VP8 " && type !== "VP8L") || picture.length < 10) {
    throw new RangeError("The WebP has no picture that can be marked.");
  }
  const header = Buffer.alloc(10);
  const view = viewOf(picture);
  if (type === "VP8 ") {
    // Sides of 14 bits, with two bits of scaling above each (RFC 6386, 9.1).
    header.writeUIntLE((view.getUint16(6, true) & 0x3fff) - 1, 4, 3);
    header.writeUIntLE((view.getUint16(8, true) & 0x3fff) - 1, 7, 3);
    return header;
  }
  const bits = view.getUint32(1, true);
  header.writeUIntLE(bits & 0x3fff, 4, 3);
  header.writeUIntLE((bits >>> 14) & 0x3fff, 7, 3);
  if (bits & (1 << 28)) header[0] = HAS_ALPHA;
  return header;
}
