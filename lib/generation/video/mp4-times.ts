import { VideoError } from "./frames.ts";

/**
 * Boxes that contain headers, and the headers that hold a creation and a modification time (ISO 14496-12,
 * 8.2-8.4).
 */
const CONTAINERS = new Set(["moov", "trak", "mdia"]);
const HEADERS = new Set(["mvhd", "tkhd", "mdhd"]);

/**
 * Sets every creation and modification time of an MP4 to 0 ("unknown"), in place. No other bytes differ
 * between runs.
 */
export function clearMp4Times(mp4: Uint8Array): void {
  clearTimes(new DataView(mp4.buffer, mp4.byteOffset, mp4.byteLength));
}

function clearTimes(boxes: DataView): void {
  for (let at = 0; at < boxes.byteLength; ) {
    const { type, header, size } = boxAt(boxes, at);
    if (CONTAINERS.has(type)) {
      clearTimes(new DataView(boxes.buffer, boxes.byteOffset + at + header, size - header));
    } else if (HEADERS.has(type)) {
      const version = boxes.getUint8(at + header);
      const timeBytes = version === 1 ? 16 : 8;
      new Uint8Array(boxes.buffer, boxes.byteOffset + at + header + 4, timeBytes).fill(0);
    }
    at += size;
  }
}

function boxAt(boxes: DataView, at: number): { type: string; header: number; size: number } {
  const left = boxes.byteLength - at;
  if (left < 8) throw new VideoError("The MP4 muxer wrote a broken box.");
  const type = String.fromCharCode(...[4, 5, 6, 7].map((offset) => boxes.getUint8(at + offset)));
  const isLarge = boxes.getUint32(at) === 1;
  const header = isLarge ? 16 : 8;
  const size = isLarge ? Number(boxes.getBigUint64(at + 8)) : boxes.getUint32(at);
  if (size < header || size > left) throw new VideoError(`The MP4 muxer wrote a broken ${type} box.`);
  return { type, header, size };
}
