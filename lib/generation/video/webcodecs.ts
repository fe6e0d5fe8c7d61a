import { setTimeout } from "node:timers/promises";
import { type Frames, VideoError } from "./frames.ts";
import { evenSize, toI420 } from "./i420.ts";
import { clearMp4Times } from "./mp4-times.ts";

const BT709 = { primaries: "bt709", transfer: "bt709", matrix: "bt709", fullRange: false } as const;

/**
 * Bitrates that let x264 reach its finest quantizer on a small clip, and are ten times those of a stream on a
 * large one.
 */
const MIN_BITRATE = 1_000_000;
const BITS_PER_PIXEL = 0.25;

/** Maximum number of frames queued in the encoder, so that a long video is not held in memory twice. */
const MAX_QUEUED = 8;

interface Packet {
  readonly bytes: Uint8Array;
  readonly type: "key" | "delta";
  readonly frame: number;
}

/**
 * Encodes with @napi-rs/webcodecs and muxes with mediabunny, both loaded on first use: H.264 High, BT.709
 * limited range, moov first. It writes no file and changes no global.
 *
 * Its x264 uses one thread for a small picture but counts the processors for a larger one (from about
 * 256x256), and has no setting for it. For such videos, machines with different processor counts write
 * different bytes of the same quality.
 *
 * @throws VideoError if either package cannot be loaded here, or the encoder fails
 */
export async function encodeWithWebcodecs(frames: Frames, fps: number): Promise<Uint8Array> {
  const [webcodecs, mediabunny] = await Promise.all([
    load(() => import("@napi-rs/webcodecs")),
    load(() => import("mediabunny")),
  ]);
  const { packets, decoderConfig } = await encodePackets(webcodecs, frames, fps);

  const source = new mediabunny.EncodedVideoPacketSource("avc");
  const target = new mediabunny.BufferTarget();
  const output = new mediabunny.Output({
    format: new mediabunny.Mp4OutputFormat({ fastStart: "in-memory" }),
    target,
  });
  // The frame rate becomes the track's timescale, so every time and the duration are exact.
  output.addVideoTrack(source, { frameRate: fps });
  await output.start();
  for (const { bytes, type, frame } of packets) {
    const packet = new mediabunny.EncodedPacket(bytes, type, frame / fps, 1 / fps);
    await source.add(packet, { decoderConfig });
  }
  await output.finalize();

  const mp4 = new Uint8Array(target.buffer!);
  clearMp4Times(mp4);
  return mp4;
}

async function load<M>(importModule: () => Promise<M>): Promise<M> {
  try {
    return await importModule();
  } catch (error) {
    throw new VideoError(`The built-in H.264 encoder cannot be loaded: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

async function encodePackets(webcodecs: typeof import("@napi-rs/webcodecs"), frames: Frames, fps: number) {
  const { width, height } = evenSize(frames);
  const packets: Packet[] = [];
  let decoderConfig: VideoDecoderConfig | undefined;
  let failure: Error | undefined;
  const encoder = new webcodecs.VideoEncoder({
    output(chunk, metadata) {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      packets.push({ bytes, type: chunk.type, frame: Math.round((chunk.timestamp * fps) / 1e6) });
      if (metadata?.decoderConfig) decoderConfig = { ...metadata.decoderConfig, colorSpace: BT709 };
    },
    error(error) {
      failure = error;
    },
  });
  try {
    encoder.configure({
      codec: "avc1.640033",
      width,
      height,
      framerate: fps,
      bitrate: Math.max(MIN_BITRATE, Math.round(width * height * fps * BITS_PER_PIXEL)),
      avc: { format: "avc" },
      // A hardware encoder would write different bytes on another machine.
      hardwareAcceleration: "prefer-software",
    });
    for (let frame = 0; frame < frames.count && !failure; frame++) {
      const picture = new webcodecs.VideoFrame(toI420(frames, frame), {
        format: "I420",
        codedWidth: width,
        codedHeight: height,
        timestamp: Math.round((frame * 1e6) / fps),
        colorSpace: BT709,
      });
      encoder.encode(picture, { keyFrame: frame === 0 });
      picture.close();
      while (encoder.encodeQueueSize > MAX_QUEUED && !failure) await setTimeout(1);
    }
    await encoder.flush();
  } catch (error) {
    failure ??= error as Error;
  } finally {
    if (encoder.state !== "closed") encoder.close();
  }
  if (failure || !decoderConfig || packets.length !== frames.count) {
    const reason = failure?.message ?? `it gave ${packets.length} of ${frames.count} frames`;
    throw new VideoError(`The built-in H.264 encoder failed: ${reason}.`, { cause: failure });
  }
  return { packets, decoderConfig };
}
