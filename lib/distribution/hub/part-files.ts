import { chooseWeights, missingShards } from "../../generation/checkpoint/index.ts";
import { HubError } from "./hub-error.ts";

/** Name of a model file: as in an object's key (see `ObjectStore`) and not hidden. */
const NAME = /^(?!\.)[A-Za-z0-9._=-]{1,200}$/;

/** Files that a part may have besides its weights. None of them is ever executed. */
const smallFiles = new Set([
  "config.json",
  "scheduler_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "spiece.model",
]);

/** Files that are downloaded of a part. */
export interface PartFiles {
  readonly names: readonly string[];
  /** Variant of the weights; null for none, or for a part without weights. */
  readonly variant: string | null;
}

export interface PartNeeds {
  /** True for a part that has weights. */
  readonly hasWeights: boolean;
  /** Variant of the weights to prefer. */
  readonly variant?: string | undefined;
}

/**
 * Selects the files of a part from its folder in `id`: configurations, vocabularies, and one set of safetensors
 * weights. Other variants and formats of the same weights are left out.
 *
 * @throws HubError if it has no weights that can be read, or not all of them
 */
export function partFiles(
  id: string,
  names: readonly string[],
  { hasWeights, variant }: PartNeeds,
): PartFiles {
  const plain = names.filter((name) => NAME.test(name));
  const small = plain.filter((name) => smallFiles.has(name));
  if (!hasWeights) return { names: small, variant: null };
  const choice = chooseWeights(plain, variant);
  if ("fault" in choice) throw new HubError(`${id} ${choice.fault}.`);
  const { set } = choice;
  const missing = missingShards(set);
  if (missing > 0) {
    const shards = missing === 1 ? "1 of its shards is" : `${missing} of its shards are`;
    throw new HubError(`${id} has the index ${set.entry}, and ${shards} not there.`);
  }
  return { names: [...small, ...set.files], variant: set.variant };
}
