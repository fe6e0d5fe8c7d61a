import { readFile } from "node:fs/promises";
import { VideoError } from "./frames.ts";

/**
 * Reads a picture as 8-bit sRGB pixels [H, W, 3], resized to cover the size and cropped to its centre. The
 * orientation of a photograph is applied first. When sharp enlarges a picture it shifts it by up to half a
 * source pixel.
 *
 * @throws VideoError if there is no such file, or it is not a picture
 * @see Open-Sora v1.2 `resize_crop_to_fill`
 */
export async function readPicture(
  path: string,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<Uint8Array> {
  try {
    const { default: sharp } = await import("sharp");
    const upright = sharp(await readFile(path))
      .autoOrient()
      .toColourspace("srgb")
      .removeAlpha();
    const { data, info } = await upright.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    const scale = Math.max(height / info.height, width / info.width);
    const covering = {
      width: Math.max(width, halfToEven(info.width * scale)),
      height: Math.max(height, halfToEven(info.height * scale)),
    };
    const picture = sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } });
    return await picture
      .resize({ ...covering, fit: "fill", kernel: "cubic" })
      .extract({
        left: halfToEven((covering.width - width) / 2),
        top: halfToEven((covering.height - height) / 2),
        width,
        height,
      })
      .raw({ depth: "uchar" })
      .toBuffer();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : message.replaceAll(/\s+/g, " ");
    throw new VideoError(`The picture ${path} cannot be read: ${why}.`, { cause });
  }
}

/** Rounds halves to even, as Python does. */
function halfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
