import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as webcodecs from "@napi-rs/webcodecs";
import { BufferSource, EncodedPacketSink, Input, MP4 } from "mediabunny";
import type { Frames } from "../../../lib/generation/video/index.ts";

export const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;

/** Decodes an MP4 with mediabunny and the WebCodecs decoder, with the time of each frame. */
export async function decodeWithWebcodecs(path: string): Promise<{ frames: Frames; times: number[] }> {
  const input = new Input({ source: new BufferSource(readFileSync(path)), formats: [MP4] });
  const track = (await input.getPrimaryVideoTrack())!;
  const pictures: Uint8Array[] = [];
  const copies: Promise<unknown>[] = [];
  const times: number[] = [];
  const decoder = new webcodecs.VideoDecoder({
    output(picture) {
      const planes = new Uint8Array(picture.allocationSize({ format: "I420" }));
      times.push(picture.timestamp);
      pictures.push(planes);
      copies.push(picture.copyTo(planes, { format: "I420" }).finally(() => picture.close()));
    },
    error(error) {
      throw error;
    },
  });
  decoder.configure((await track.getDecoderConfig()) as webcodecs.VideoDecoderConfig);
  for await (const packet of new EncodedPacketSink(track).packets()) {
    const { type, data } = packet;
    const timestamp = packet.microsecondTimestamp;
    decoder.decode(new webcodecs.EncodedVideoChunk({ type, data, timestamp }));
  }
  await decoder.flush();
  await Promise.all(copies);
  decoder.close();
  const { displayWidth: width, displayHeight: height } = track;
  const rgb = Buffer.concat(pictures.map((planes) => rgbOf(planes, width, height)));
  return { frames: { width, height, count: pictures.length, rgb }, times };
}

/** Decodes an MP4 with the ffmpeg on PATH, which converts colours as the file declares. */
export function decodeWithFfmpeg(path: string, { width, height }: { width: number; height: number }): Frames {
  const options = "-sws_flags accurate_rnd+full_chroma_int+bicubic -f rawvideo -pix_fmt rgb24 -";
  const rgb = execFileSync("ffmpeg", ["-v", "error", "-i", path, ...options.split(" ")], {
    maxBuffer: 2 ** 28,
  });
  return { width, height, count: rgb.length / (width * height * 3), rgb };
}

/** Converts BT.709 limited range to RGB with the nearest chroma sample; constants of H.273, table 4, matrix 1. */
function rgbOf(planes: Uint8Array, width: number, height: number): Uint8Array {
  const rgb = new Uint8ClampedArray(width * height * 3);
  const cb = width * height;
  const cr = cb + cb / 4;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const chroma = (y >> 1) * (width / 2) + (x >> 1);
      const luma = (planes[y * width + x]! - 16) * 1.16438;
      const blue = planes[cb + chroma]! - 128;
      const red = planes[cr + chroma]! - 128;
      const at = (y * width + x) * 3;
      rgb[at] = luma + 1.79274 * red;
      rgb[at + 1] = luma - 0.21325 * blue - 0.53291 * red;
      rgb[at + 2] = luma + 2.1124 * blue;
    }
  }
  return new Uint8Array(rgb.buffer);
}
