import { existsSync, statSync } from "node:fs";

/** Returns whether there is a folder at this path. A path that leads through a file has none, and throws nothing. */
export function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
