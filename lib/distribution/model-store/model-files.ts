import { readdir, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { ModelStoreError } from "./model-store-error.ts";

export interface ModelFile {
  /** Path inside the folder, with "/". */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Files of a model's folder. */
export interface ModelFiles {
  /** Files to store, by ascending path. */
  readonly files: readonly ModelFile[];
  /** Weights in formats that are never read. They double the size, and would only make every start slower. */
  readonly foreign: readonly ModelFile[];
}

/**
 * Endings of checkpoints as pickle, HDF5, MessagePack and other formats that repositories keep beside
 * safetensors.
 */
const FOREIGN = /\.(bin|pt|pth|ckpt|h5|msgpack|gguf|onnx|onnx_data)$/;
/** Name that an object's key may contain; see `ObjectStore`. */
const NAME = /^[A-Za-z0-9._=-]{1,200}$/;

/**
 * Lists the files of a model's folder that belong in the store: all but hidden ones, which version control
 * and downloads leave. Links are followed to files inside the folder.
 *
 * @throws ModelStoreError naming the first file that cannot be stored
 */
export async function modelFiles(folder: string): Promise<ModelFiles> {
  const found: ModelFile[] = [];
  const root = await realpath(folder).catch((cause) => {
    throw unreadable(folder, cause);
  });
  for await (const path of pathsIn(folder, "")) {
    found.push({ path, sizeBytes: await sizeOf(root, folder, path) });
  }
  found.sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    files: found.filter(({ path }) => !FOREIGN.test(path)),
    foreign: found.filter(({ path }) => FOREIGN.test(path)),
  };
}

/** Yields the paths of everything that is not a folder. */
async function* pathsIn(folder: string, within: string): AsyncGenerator<string> {
  const entries = await readdir(join(folder, within), { withFileTypes: true }).catch((cause) => {
    throw unreadable(join(folder, within), cause);
  });
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const path = within + entry.name;
    if (!NAME.test(entry.name)) {
      const place = JSON.stringify(join(folder, path));
      throw new ModelStoreError(
        `${place} cannot be stored: give it a name of letters, digits and . _ - =, or take it out of the folder.`,
      );
    }
    if (entry.isDirectory()) yield* pathsIn(folder, `${path}/`);
    else yield path;
  }
}

async function sizeOf(root: string, folder: string, path: string): Promise<number> {
  const place = join(folder, path);
  try {
    const inside = relative(root, await realpath(place));
    if (inside === ".." || inside.startsWith(`..${sep}`))
      throw new ModelStoreError(
        `${place} is a link out of the folder: copy the folder with its files, as cp -rL does, and push the copy.`,
      );
    const status = await stat(place);
    if (status.isFile()) return status.size;
  } catch (cause) {
    throw cause instanceof ModelStoreError ? cause : unreadable(place, cause);
  }
  throw new ModelStoreError(`${place} is neither a file nor a folder: take it out of the model's folder.`);
}

function unreadable(place: string, cause: unknown): ModelStoreError {
  const { code } = cause as NodeJS.ErrnoException;
  return new ModelStoreError(`${place} cannot be read (${code ?? String(cause)}).`, { cause });
}
