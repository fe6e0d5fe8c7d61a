import { encodeAnimation } from "./webp.ts";

/** Quality at which small pictures of a dozen pixels a side show no blocks yet. */
const QUALITY = 60;

/** Small moving picture, to be scaled up by who shows it. */
interface SmallVideo {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Time in which all frames are shown once. */
  readonly seconds: number;
  /** 8-bit sRGB pixels [frames, height, width, 3]. */
  readonly rgb: Uint8Array;
}

/**
 * Encodes a preview as an animated WebP that loops: a few kilobytes.
 *
 * @throws VideoError if sharp cannot be loaded here or refuses the size
 */
export function encodePreview({ frames, seconds, ...picture }: SmallVideo): Promise<Uint8Array> {
  return encodeAnimation({ ...picture, count: frames }, { fps: frames / seconds, quality: QUALITY });
}
