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

/** Endings of weights in formats that can contain code, or that are not read. */
const FOREIGN = /\.(bin|pt|pth|ckpt|pickle|pkl|h5|msgpack)$/;

/**
 * Names of weight files, in the order of preference in which weights are opened: a single file, or an index
 * and its shards.
 */
const stems = ["diffusion_pytorch_model", "model"];

/**
 * Selects the files of a part from its folder in `id`: configurations, vocabularies, and one set of
 * safetensors weights. Other precisions and formats of the same weights are left out.
 *
 * @throws HubError if the only weights are in a format that can contain code
 */
export function partFiles(id: string, names: readonly string[]): readonly string[] {
  const plain = names.filter((name) => NAME.test(name));
  const weights = weightFiles(plain);
  const foreign = plain.find((name) => FOREIGN.test(name));
  if (weights.length === 0 && foreign !== undefined) {
    throw new HubError(
      `${id} has its weights as ${foreign}, which can hold code and is never opened: choose a repository with safetensors weights.`,
    );
  }
  return [...plain.filter((name) => smallFiles.has(name)), ...weights];
}

function weightFiles(names: readonly string[]): readonly string[] {
  for (const stem of stems) {
    if (names.includes(`${stem}.safetensors`)) return [`${stem}.safetensors`];
    const index = `${stem}.safetensors.index.json`;
    if (names.includes(index)) {
      const shards = names.filter(
        (name) => name.startsWith(`${stem}-`) && /-\d{5}-of-\d{5}\.safetensors$/.test(name),
      );
      return [index, ...shards];
    }
  }
  const others = names.filter((name) => name.endsWith(".safetensors"));
  return others.length === 1 ? others : [];
}
