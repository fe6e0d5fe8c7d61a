import type { Metadata, Sharp, SharpOptions } from "sharp";
import { PICTURE_PIXELS_MAX } from "../../../shared/limits.ts";
import { VideoError } from "../frames.ts";
import { rgbOfCmyk } from "./cmyk.ts";
import { formatOf } from "./format.ts";
import { withPaletteColours } from "./gif.ts";
import { orientationOfXmp, upright } from "./orientation.ts";
import type { Picture } from "./resize.ts";

/**
 * Decodes a picture to what diffusers' `load_image` gives: the first frame as 8-bit RGB, turned as its EXIF or XMP
 * says. Transparency is left out without blending, colour profiles are ignored, and CMYK is converted without one. The
 * upper 8 of 16 bits are kept, those of grey pictures too, whose values PIL cuts at 255.
 *
 * @param shown Subject of an error's sentence
 * @throws VideoError if the bytes are no picture, a picture that is not decoded, damaged, or too large
 */
export async function decodePicture(bytes: Uint8Array, shown = "The picture"): Promise<Picture> {
  try {
    return await decoded(bytes);
  } catch (cause) {
    const why = cause instanceof RangeError ? cause.message : "it is cut short or damaged";
    throw new VideoError(`${shown} cannot be read: ${why}.`, { cause });
  }
}

/** Options of the decoder. Warnings do not fail, because PIL reads such pictures. */
const options: SharpOptions = { failOn: "error", ignoreIcc: true, limitInputPixels: PICTURE_PIXELS_MAX };

async function decoded(bytes: Uint8Array): Promise<Picture> {
  const format = formatOf(bytes);
  const { default: sharp } = await import("sharp");
  const header = await sharp(bytes, { ...options, limitInputPixels: false }).metadata();
  assertPixels(header);
  const decoder = sharp(bytes, options);
  if (header.space === "cmyk") {
    const { data, info } = await raw(decoder.pipelineColourspace("cmyk").toColourspace("cmyk"));
    return upright({ ...sizeOf(info), rgb: rgbOfCmyk(data, info.channels) }, orientationOf(header));
  }
  const coloured = decoder.toColourspace("srgb");
  const { data, info } = await raw(format === "gif" ? coloured.ensureAlpha() : coloured.removeAlpha());
  if (info.channels !== (format === "gif" ? 4 : 3))
    throw new RangeError("its colours are of an unknown kind");
  const rgb = format === "gif" ? withPaletteColours(bytes, sizeOf(info), data) : data;
  return upright({ ...sizeOf(info), rgb }, orientationOf(header));
}

const raw = (pixels: Sharp) => pixels.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });

const sizeOf = ({ width, height }: { width: number; height: number }) => ({ width, height });

function orientationOf({ orientation, xmpAsString }: Metadata): number | undefined {
  return orientation ?? orientationOfXmp(xmpAsString);
}

function assertPixels({ width, height }: Metadata): void {
  if (width * height <= PICTURE_PIXELS_MAX) return;
  const most = PICTURE_PIXELS_MAX / 1e6;
  throw new RangeError(
    `it has ${width}x${height} pixels, and at most ${most} million are read: make it smaller`,
  );
}
