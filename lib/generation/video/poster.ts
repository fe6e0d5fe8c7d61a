import { extname } from "node:path";
import { writeFileAtomically } from "./atomic-write.ts";
import { assertFrames, type Frames, frameAt, VideoError } from "./frames.ts";

/**
 * Writes one frame as a picture, atomically. The ending of `path` chooses .png (exact), .jpg or .webp.
 *
 * @param frame  0-based; the middle frame by default, since the first frame is often the emptiest
 * @throws VideoError in one sentence
 */
export async function writePoster(
  path: string,
  frames: Frames,
  options: { readonly frame?: number } = {},
): Promise<void> {
  await writeFileAtomically(path, await encodePoster(path, frames, options));
}

/**
 * Encodes one frame as a picture, as `writePoster` writes it.
 *
 * @param path  only its ending matters
 * @throws VideoError in one sentence
 */
export async function encodePoster(
  path: string,
  frames: Frames,
  { frame }: { readonly frame?: number } = {},
): Promise<Uint8Array> {
  assertFrames(frames);
  const index = frame ?? Math.floor(frames.count / 2);
  if (!Number.isInteger(index) || index < 0 || index >= frames.count) {
    throw new VideoError(`There is no frame ${index}: the video has frames 0 to ${frames.count - 1}.`);
  }
  const { default: sharp } = await import("sharp").catch((error: Error) => {
    throw new VideoError(`The picture encoder cannot be loaded: ${error.message}.`, { cause: error });
  });
  const { width, height } = frames;
  const picture = sharp(frameAt(frames, index), { raw: { width, height, channels: 3 } });
  switch (extname(path).toLowerCase()) {
    case ".png":
      return picture.png().toBuffer();
    case ".jpg":
    case ".jpeg":
      return picture.jpeg({ quality: 92, chromaSubsampling: "4:4:4" }).toBuffer();
    case ".webp":
      return picture.webp({ quality: 92, smartSubsample: true }).toBuffer();
    default:
      throw new VideoError(
        `Cannot write a picture as ${path}: give a name that ends in .png, .jpg or .webp.`,
      );
  }
}
