import { dirname, join } from "node:path";
import { type FileSystem, FOLDERS, hasCode, syncFolder, tolerating } from "./file-system.ts";

/*
 * An object stands in the folder `<key>@` of the objects' folder. Names that begin with a time would make a folder of
 * any size, which is read as a whole for every listing. So the time in such a name is spread over folders, whose own
 * names end in `+`, a character of no key:
 *
 *   jobs/t/video_7yabcdefgh….json  ->  jobs/t/video_7yab+/cd+/ef+/gh….json@
 *
 * With the ten characters that ULIDs begin with, which count milliseconds in base 32, such a folder has at most 1024
 * folders, or the objects of one second. The first of them stands for twelve days.
 */

/** Name that is spread: a word, a ULID (inverted or not), and an extension. */
const SPREAD = /(?<=^|\/)([a-z]+_[0-9a-z]{4})([0-9a-z]{2})([0-9a-z]{2})([0-9a-z]{18}\.[a-z]+)$/;

/** Returns the path of an object's folder below the folder of all objects. */
export function placeOf(key: string): string {
  return `${key.replace(SPREAD, "$1+/$2+/$3+/$4")}@`;
}

/** Entry of a folder of objects, and the text with which all keys in it begin. */
export interface Entry {
  readonly path: string;
  /** Key of an object; for a folder, what all keys in it begin with, so that none of them sorts before it. */
  readonly text: string;
  readonly isObject: boolean;
}

/** Reads what is in the folder at `path`, in any order; nothing if there is no such folder. */
export async function entriesOf(
  files: FileSystem,
  { path, text }: Pick<Entry, "path" | "text">,
): Promise<Entry[]> {
  const names = await tolerating(["ENOENT", "ENOTDIR"], files.readdir(path));
  return (names ?? []).map((name) => {
    const isObject = name.endsWith("@");
    const isPart = isObject || name.endsWith("+");
    return { path: join(path, name), text: text + (isPart ? name.slice(0, -1) : `${name}/`), isObject };
  });
}

/** Returns the folders above `path`, from the innermost to `root`. */
export function parentsOf(path: string, root: string): string[] {
  const parents: string[] = [];
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    parents.push(folder);
    if (folder === root) return parents;
  }
}

/**
 * Moves the objects to their places that were stored before names were spread. May be interrupted and repeated, and
 * several processes may do it at once.
 *
 * @param root folder of all objects
 */
export async function spreadObjects(files: FileSystem, root: string): Promise<void> {
  const moves: { readonly from: string; readonly to: string }[] = [];
  const pending = [{ path: root, text: "" }];
  for (let folder = pending.pop(); folder; folder = pending.pop()) {
    for (const entry of await entriesOf(files, folder)) {
      const to = join(root, placeOf(entry.text));
      if (!entry.isObject) pending.push(entry);
      else if (to !== entry.path) moves.push({ from: entry.path, to });
    }
  }
  const folders = new Set(moves.flatMap(({ from, to }) => [dirname(from), ...parentsOf(to, root)]));
  const syncAll = async () => {
    for (const folder of folders) await tolerating(["ENOENT"], syncFolder(files, folder));
  };
  for (const { to } of moves) await files.mkdir(dirname(to), FOLDERS);
  // The folders are durable first: a power cut could otherwise lose them and keep the moves.
  await syncAll();
  for (const move of moves) await moveObject(files, move);
  await syncAll();
}

async function moveObject(
  files: FileSystem,
  move: { readonly from: string; readonly to: string },
): Promise<void> {
  for (;;) {
    try {
      return await files.rename(move.from, move.to);
    } catch (error) {
      if (!hasCode(error, ["ENOENT"])) throw error;
      // Another process moved the object; or it deleted what was in the new folder, and the folder with it.
      if ((await tolerating(["ENOENT"], files.stat(move.from))) === undefined) return;
      await tolerating(["ENOENT", "ENOTDIR"], files.mkdir(dirname(move.to), FOLDERS));
    }
  }
}
