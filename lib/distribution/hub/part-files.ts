import { HubError } from "./hub-error.ts";

/** As in an object's key, of which none is hidden or leads out; see `ObjectStore`. */
const NAME = /^(?!\.)[A-Za-z0-9._=-]{1,200}$/;

/** What a part may have beside its weights: nothing of it is ever run. */
const smallFiles = new Set([
  "config.json",
  "scheduler_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "spiece.model",
]);

/** Weights in formats that can hold code, or that nobody reads here. */
const FOREIGN = /\.(bin|pt|pth|ckpt|pickle|pkl|h5|msgpack)$/;

/** In order of preference, as where weights are opened: a file alone, or an index and its shards. */
const stems = ["diffusion_pytorch_model", "model"];

/**
 * The files of a part, of all that its folder in `id` holds: configurations, vocabularies, and one set of weights as
 * safetensors. Other precisions and formats of the same weights are left out.
 *
 * @throws HubError where weights are there only in a format that can hold code
 */
export function partFiles(id: string, names: readonly string[]): readonly string[] {
  const plain = names.filter((name) => NAME.test(name));
  const weights = weightFiles(plain);
  const foreign = plain.find((name) => FOREIGN.test(name));
  if (weights.length === 0 && foreign !== undefined) {
    throw new HubError(
      `${id} has its weights as ${foreign}, which can hold code and is never opened: name one with safetensors.`,
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
