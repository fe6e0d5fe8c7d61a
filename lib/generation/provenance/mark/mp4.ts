import { fourCharacters, type Source, sourceOf, viewOf } from "../source.ts";
import { PACKET_BYTES_MAX } from "./packet.ts";

/** Box at the top of an ISO base media file (ISO 14496-12, 4.2). */
export interface Box {
  readonly type: string;
  readonly at: number;
  /** Bytes of the box with its header. */
  readonly size: number;
  readonly header: number;
  /** True for a last box that ends with the file and does not say its size. */
  readonly isOpenEnded: boolean;
}

/** Identifier of a `uuid` box that holds an XMP packet (XMP specification, part 3). */
const XMP_UUID = Buffer.from("be7acfcb97a942e89c71999491e3afac", "hex");
const UUID_HEADER = 8 + XMP_UUID.length;
const LARGE_HEADER = 16;
/** Boxes at the top of a file that are looked at, at most. */
const BOXES_MAX = 100_000;

/** Returns whether a source begins as an ISO base media file does. */
export async function isMp4(source: Source): Promise<boolean> {
  const begin = await source.read(0, 8);
  return begin.length === 8 && fourCharacters(begin, 4) === "ftyp";
}

/** Reads the boxes at the top of a file, in order. Ends at a box whose size cannot be right. */
export async function* boxesOf(source: Source): AsyncGenerator<Box> {
  for (let at = 0, count = 0; at < source.size && count < BOXES_MAX; count++) {
    const header = await source.read(at, LARGE_HEADER);
    if (header.length < 8) return;
    const told = viewOf(header).getUint32(0);
    const isLarge = told === 1 && header.length === LARGE_HEADER;
    const isOpenEnded = told === 0;
    const size = isLarge ? Number(viewOf(header).getBigUint64(8)) : isOpenEnded ? source.size - at : told;
    const box = {
      type: fourCharacters(header, 4),
      at,
      size,
      header: isLarge ? LARGE_HEADER : 8,
      isOpenEnded,
    };
    if (size < box.header || at + size > source.size) return;
    yield box;
    at += size;
  }
}

/**
 * Returns an MP4 with an XMP packet in a box of its own. It is the last box, or the last before the index of fragments
 * (`mfra`), which readers look for at the end: so no offset in the file changes, and what was first stays first.
 *
 * @throws RangeError if the boxes of the file do not fill it
 */
export async function withPacketInMp4(mp4: Uint8Array, packet: Uint8Array): Promise<Uint8Array> {
  const boxes: Box[] = [];
  for await (const box of boxesOf(sourceOf(mp4))) boxes.push(box);
  const last = boxes.at(-1);
  if (!last || last.at + last.size !== mp4.length)
    throw new RangeError("The boxes of the MP4 do not fill it.");
  const at = last.type === "mfra" ? last.at : mp4.length;
  const box = new Uint8Array(UUID_HEADER + packet.length);
  viewOf(box).setUint32(0, box.length);
  box.set(Buffer.from("uuid", "latin1"), 4);
  box.set(XMP_UUID, 8);
  box.set(packet, UUID_HEADER);
  const marked = Buffer.concat([mp4.subarray(0, at), box, mp4.subarray(at)]);
  // A box that ran to the end of the file must say its size now.
  if (last.isOpenEnded) {
    if (last.size >= 2 ** 32) throw new RangeError("The last box of the MP4 is too large to say its size.");
    marked.writeUInt32BE(last.size, last.at);
  }
  return marked;
}

/** Returns the XMP packet of an MP4; null if it has none. */
export async function packetInMp4(source: Source): Promise<Uint8Array | null> {
  for await (const { type, at, header, size } of boxesOf(source)) {
    const start = header + XMP_UUID.length;
    if (type !== "uuid" || size < start || size > PACKET_BYTES_MAX) continue;
    const content = await source.read(at + header, size - header);
    if (XMP_UUID.equals(content.subarray(0, XMP_UUID.length))) return content.subarray(XMP_UUID.length);
  }
  return null;
}
