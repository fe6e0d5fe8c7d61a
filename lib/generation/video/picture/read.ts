import { open } from "node:fs/promises";
import { PICTURE_BYTES_MAX } from "../../../shared/limits.ts";
import { VideoError } from "../frames.ts";
import { decodePicture } from "./decode.ts";
import type { Picture } from "./resize.ts";

/**
 * Reads a picture from a file, as {@link decodePicture} does.
 *
 * @throws VideoError if there is no such file, or it is not a picture
 */
export async function readPicture(path: string): Promise<Picture> {
  const shown = `The picture ${path}`;
  const bytes = await bytesOf(path).catch((cause: NodeJS.ErrnoException) => {
    throw new VideoError(`${shown} cannot be read: ${reason(cause)}.`, { cause });
  });
  return await decodePicture(bytes, shown);
}

async function bytesOf(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) throw new RangeError("it is a folder");
    if (stats.size > PICTURE_BYTES_MAX) throw new RangeError("the file is larger than any picture");
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function reason({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ENOENT" || code === "ENOTDIR") return "there is no such file";
  if (code === "EACCES" || code === "EPERM") return "its permissions do not allow it";
  return message;
}
