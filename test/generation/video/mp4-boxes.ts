/** Box of an ISO base media file (ISO 14496-12, 4.2), with its payload. */
export interface Box {
  readonly type: string;
  readonly payload: Buffer;
}

/** Parses consecutive boxes; fails unless they fill `bytes` exactly. */
export function boxesIn(bytes: Buffer): Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    if (size < 8 || at + size > bytes.length) throw new Error(`bad box size ${size} at ${at}`);
    boxes.push({
      type: bytes.toString("latin1", at + 4, at + 8),
      payload: bytes.subarray(at + 8, at + size),
    });
    at += size;
  }
  return boxes;
}

/** Returns the only box at a path of box types; fails if there is none or more than one. */
export function boxAt(bytes: Buffer, ...path: string[]): Buffer {
  return path.reduce((inside, type) => {
    const found = boxesIn(inside).filter((box) => box.type === type);
    if (found.length !== 1) throw new Error(`${found.length} boxes of type ${type}`);
    return found[0]!.payload;
  }, bytes);
}

const SAMPLE_TABLE = ["moov", "trak", "mdia", "minf", "stbl"];

/** Reads the headers of an H.264 MP4 with one track. */
export function describeMp4(bytes: Buffer) {
  const mvhd = boxAt(bytes, "moov", "mvhd");
  const tkhd = boxAt(bytes, "moov", "trak", "tkhd");
  const mdhd = boxAt(bytes, "moov", "trak", "mdia", "mdhd");
  const stsd = boxAt(bytes, ...SAMPLE_TABLE, "stsd");
  const stts = boxAt(bytes, ...SAMPLE_TABLE, "stts");
  const [entry] = boxesIn(stsd.subarray(8));
  const extensions = entry!.payload.subarray(78);
  const runs = Array.from({ length: stts.readUInt32BE(4) }, (_, run) => ({
    count: stts.readUInt32BE(8 + run * 8),
    delta: stts.readUInt32BE(12 + run * 8),
  }));
  const timescale = mdhd.readUInt32BE(12);
  return {
    order: boxesIn(bytes).map((box) => box.type),
    tracks: boxesIn(boxAt(bytes, "moov")).filter((box) => box.type === "trak").length,
    times: [mvhd, tkhd, mdhd].map((header) => [header[0], header.readUInt32BE(4), header.readUInt32BE(8)]),
    codec: entry!.type,
    width: entry!.payload.readUInt16BE(24),
    height: entry!.payload.readUInt16BE(26),
    colour: boxAt(extensions, "colr").toString("hex"),
    frames: boxAt(bytes, ...SAMPLE_TABLE, "stsz").readUInt32BE(8),
    frameSeconds: runs.map(({ count, delta }) => ({ count, seconds: delta / timescale })),
    seconds: mdhd.readUInt32BE(16) / timescale,
    movieSeconds: mvhd.readUInt32BE(16) / mvhd.readUInt32BE(12),
    hasCompositionOffsets: boxesIn(boxAt(bytes, ...SAMPLE_TABLE)).some((box) => box.type === "ctts"),
  };
}
