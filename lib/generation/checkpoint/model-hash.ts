import { createHash, type Hash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError } from "./checkpoint-error.ts";
import { openModelFolder } from "./model-folder.ts";
import { openRegularFile } from "./safetensors.ts";

/**
 * Returns the SHA-256, in hex, of every file that decides what a model computes: `model_index.json`, and the
 * JSON and safetensors files of the parts it names. Keys are paths inside the folder with "/", ascending.
 * Each hash is what `sha256sum` and Hugging Face show for the file.
 *
 * @throws CheckpointError
 */
export async function hashWeights(folder: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const name of await decidingFiles(folder)) {
    const hash = createHash("sha256");
    await addContents(hash, join(folder, name));
    hashes[name] = hash.digest("hex");
  }
  return hashes;
}

/**
 * Returns a single SHA-256, in hex, over the names, lengths and contents of the files of {@link hashWeights}.
 * It does not depend on where the model is stored.
 *
 * @throws CheckpointError
 */
export async function modelFingerprint(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of await decidingFiles(folder)) {
    const path = join(folder, name);
    hash.update(`${name}\0${(await stat(path)).size}\0`);
    await addContents(hash, path);
  }
  return hash.digest("hex");
}

async function decidingFiles(folder: string): Promise<string[]> {
  const names = ["model_index.json"];
  for (const part of (await openModelFolder(folder)).partNames) {
    const files = await readdir(join(folder, part), { recursive: true }).catch((cause: unknown) => {
      throw CheckpointError.from(join(folder, part), cause);
    });
    names.push(...files.map((file) => `${part}/${file.replaceAll("\\", "/")}`));
  }
  return names.filter((name) => /\.(json|safetensors)$/.test(name)).sort();
}

/** Adds the contents of a file to `hash` in pieces, because weights may be larger than memory. */
async function addContents(hash: Hash, path: string): Promise<void> {
  const file = await openRegularFile(path);
  try {
    for await (const chunk of file.createReadStream({ highWaterMark: 2 ** 20 })) hash.update(chunk);
  } catch (cause) {
    throw CheckpointError.from(path, cause);
  }
}
