import { isAbsolute, relative } from "node:path";

/** Returns an absolute path as a user in `folder` would write it: relative if it is below that folder. */
export function shownPath(path: string, folder: string): string {
  const below = relative(folder, path);
  return below === "" || below.startsWith("..") || isAbsolute(below) ? path : below;
}
