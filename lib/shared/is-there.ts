import { access } from "node:fs/promises";

/** Tells if there is a file or a folder at this path, as far as this process can see. */
export function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
