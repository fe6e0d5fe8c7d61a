import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { quoted } from "../../shared/sentences/index.ts";
import { CheckpointError, TENSOR_NAME_MAX } from "./checkpoint-error.ts";
import { readJsonObject } from "./json-file.ts";
import { readSafetensors, type StoredTensor } from "./safetensors.ts";
import { chooseWeights, isWeightIndex } from "./weight-layout.ts";

export interface LocatedTensor extends StoredTensor {
  /** Path of the file that holds the tensor; symbolic links are not resolved. */
  readonly path: string;
}

/** Weight files of a part, found in its folder. */
export interface FoundWeights {
  /** Path of the single file, or of the index. */
  readonly path: string;
  /** Variant in the names; null for none. */
  readonly variant: string | null;
}

/** Locates all tensors of a safetensors file, of an index of shards, or of a folder that holds either. */
export async function locateTensors(path: string): Promise<Map<string, LocatedTensor>> {
  return isWeightIndex(basename(path)) ? readShards(path) : readSingle(path);
}

/**
 * Finds the weights in a folder; a path to a file is returned as it is.
 *
 * @throws CheckpointError if there are none, or several variants of which none is chosen
 */
export async function findWeights(folderOrFile: string, variant?: string | null): Promise<FoundWeights> {
  const files = await stat(folderOrFile)
    .then((status) => (status.isDirectory() ? readdir(folderOrFile) : undefined))
    .catch((cause: unknown) => {
      throw CheckpointError.from(folderOrFile, cause);
    });
  if (!files) return { path: folderOrFile, variant: null };
  const choice = chooseWeights(files, variant);
  if ("fault" in choice) throw new CheckpointError(folderOrFile, `the folder ${choice.fault}`);
  return { path: join(folderOrFile, choice.set.entry), variant: choice.set.variant };
}

async function readSingle(path: string): Promise<Map<string, LocatedTensor>> {
  const tensors = await readSafetensors(path);
  return new Map([...tensors].map(([name, tensor]) => [name, { ...tensor, path }]));
}

async function readShards(indexPath: string): Promise<Map<string, LocatedTensor>> {
  const weightMap = (await readJsonObject(indexPath)).get("weight_map");
  if (!(weightMap instanceof Map)) throw new CheckpointError(indexPath, "weight_map is not a map");
  const shards = new Map<string, Map<string, LocatedTensor>>();
  const located = new Map<string, LocatedTensor>();
  for (const [name, shard] of weightMap) {
    if (typeof shard !== "string" || !isFileName(shard)) {
      throw new CheckpointError(indexPath, `shard ${quoted(shard)} is not a file name in the same folder`);
    }
    const tensors = shards.get(shard) ?? (await readSingle(join(dirname(indexPath), shard)));
    shards.set(shard, tensors);
    const tensor = tensors.get(name);
    if (!tensor)
      throw new CheckpointError(
        indexPath,
        `shard ${shard} lacks the tensor ${quoted(name, TENSOR_NAME_MAX)}`,
      );
    located.set(name, tensor);
  }
  return located;
}

/** Longest name of a file on the usual disks. */
const NAME_CHARACTERS_MAX = 255;

/** Returns true if a name stays inside its folder on every platform. */
export function isFileName(name: string): boolean {
  const forbidden = ["/", "\\", ":", "\0"];
  const isPossible = !["", ".", ".."].includes(name) && name.length <= NAME_CHARACTERS_MAX;
  return isPossible && !forbidden.some((symbol) => name.includes(symbol));
}
