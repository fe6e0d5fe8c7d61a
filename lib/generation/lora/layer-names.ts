import type { LoraNaming } from "../models/index.ts";
import type { EntryKey } from "./entry.ts";

/** Finds weights of a transformer by the names that LoRA files use for them. */
export interface LayerNames {
  /** Returns the name of the tensor that an entry changes; undefined if the transformer has no such tensor. */
  tensorOf(key: EntryKey): string | undefined;
  /** Returns the transformer's own name of a layer, which patterns in the header of a file match. */
  layerOf(key: EntryKey): string | undefined;
}

/**
 * Makes the names of a transformer's layers: its own and those of its authors, with dots or with underscores. kohya's
 * names are looked up and not taken apart at underscores, which are in names of layers too.
 *
 * @param tensors names of the transformer's tensors
 */
export function layerNames(tensors: Iterable<string>, naming: LoraNaming): LayerNames {
  const names = new Set(tensors);
  const own = new Map<string, string>();
  const original = new Map<string, string>();
  for (const name of names) {
    const layer = name.replace(/\.(weight|bias)$/, "");
    const theirs = naming.originalName(layer);
    for (const [known, alias] of [
      [own, layer],
      [original, theirs],
    ] as const) {
      known.set(alias, layer);
      known.set(alias.replaceAll(".", "_"), layer);
    }
  }

  function layerOf({ layer, kind, words }: EntryKey): string | undefined {
    const asked = kind === "modulation" ? `${layer}.modulation` : layer;
    const [first, second] = words === "own" ? [own, original] : [original, own];
    return first.get(asked) ?? second.get(asked) ?? first.get(asked.replaceAll(".", "_"));
  }

  return {
    layerOf,
    tensorOf(key) {
      const layer = layerOf(key);
      if (layer === undefined) return undefined;
      const isBias = key.kind === "bias" || key.kind === "up bias";
      const candidates = isBias ? [`${layer}.bias`] : [`${layer}.weight`, layer];
      return candidates.find((name) => names.has(name));
    },
  };
}
