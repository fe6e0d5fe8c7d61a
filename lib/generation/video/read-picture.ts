import { readFile } from "node:fs/promises";
import { VideoError } from "./frames.ts";

/**
 * The pixels of a picture [H, W, 3] in 8-bit sRGB, resized until it covers the size and cut to its middle. A photograph
 * is turned upright first, and sharp moves a picture that it enlarges by up to half a pixel of its own.
 *
 * @throws VideoError where there is no such file, or it is no picture
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

/** As Python rounds. */
function halfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
