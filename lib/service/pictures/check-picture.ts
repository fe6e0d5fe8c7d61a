import { createHash } from "node:crypto";
import { likelyKindOf, type PictureHeader, readPictureHeader } from "./picture-header.ts";

/**
 * Limits of a picture that a video is made of. A decoder needs four bytes for each pixel. A picture is resized to cover
 * the video and cropped then, so a long and narrow one would become many times as large as the video.
 */
export const PICTURE_LIMITS = {
  bytesMax: 10 * 1024 * 1024,
  /** Slightly more than the largest photographs of common phones have: 8160x6120. */
  pixelsMax: 50_000_000,
  sideMin: 16,
  /** Longest side over the shortest one. */
  ratioMax: 16,
} as const;

/** Picture that may be stored and decoded, as far as its header tells. */
export interface Picture extends PictureHeader {
  readonly body: Uint8Array;
  readonly sha256: string;
}

/** Result of a check. `reason` ends a sentence that begins with what was given, such as "input_reference". */
export type CheckedPicture =
  | { readonly ok: true; readonly picture: Picture }
  | { readonly ok: false; readonly reason: string };

const KINDS = "a PNG, JPEG, WebP, GIF, TIFF or AVIF picture";

/** Checks the bytes of a picture by their header, whatever its sender says of them. Nothing is decoded. */
export function checkPicture(body: Uint8Array): CheckedPicture {
  const reason = faultOfBytes(body);
  if (reason !== null) return { ok: false, reason };
  const header = readPictureHeader(body);
  if (!header) {
    const kind = likelyKindOf(body);
    return { ok: false, reason: `is ${kind ?? "no picture that can be read"}: send ${KINDS}` };
  }
  const fault = faultOfSize(header);
  if (fault !== null) return { ok: false, reason: fault };
  const sha256 = createHash("sha256").update(body).digest("hex");
  return { ok: true, picture: { ...header, body, sha256 } };
}

function faultOfBytes({ length }: Uint8Array): string | null {
  if (length === 0) return `is empty: send ${KINDS}`;
  if (length <= PICTURE_LIMITS.bytesMax) return null;
  return `has ${length} bytes: a picture may have at most ${PICTURE_LIMITS.bytesMax}`;
}

function faultOfSize({ width, height }: PictureHeader): string | null {
  const { pixelsMax, sideMin, ratioMax } = PICTURE_LIMITS;
  const has = `has ${width}x${height} pixels: a picture`;
  const [short, long] = [Math.min(width, height), Math.max(width, height)];
  if (short < sideMin) return `${has} has at least ${sideMin} pixels on each side`;
  if (width * height > pixelsMax) return `${has} may have at most ${pixelsMax / 1e6} million pixels`;
  if (long > ratioMax * short) return `${has} may be at most ${ratioMax} times as long as it is wide`;
  return null;
}
