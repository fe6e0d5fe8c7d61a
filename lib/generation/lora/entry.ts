/** Part of a change that an entry of a LoRA file holds. */
export type EntryKind = "down" | "up" | "up bias" | "alpha" | "difference" | "bias" | "modulation";

/** Key of a LoRA file, taken apart. */
export interface EntryKey {
  /** Name of a layer in the words of the file, without its prefix. */
  readonly layer: string;
  readonly kind: EntryKind;
  /** Words that the layer is named in first of all: those of diffusers, or of the model's authors. */
  readonly words: "own" | "original";
}

/** Endings of keys. diffusers and PEFT write `lora_A` and `lora_B`, kohya's trainers `lora_down` and `lora_up`. */
const ENDINGS: readonly (readonly [ending: RegExp, kind: EntryKind])[] = [
  [/\.(lora_A|lora_down|lora\.down|lora_linear_layer\.down)(\.default)?\.weight$/, "down"],
  [/\.(lora_B|lora_up|lora\.up|lora_linear_layer\.up)(\.default)?\.weight$/, "up"],
  [/\.(lora_B|lora_up|lora\.up)(\.default)?\.bias$/, "up bias"],
  [/\.alpha$/, "alpha"],
  [/\.diff$/, "difference"],
  [/\.diff_b$/, "bias"],
  [/\.diff_m$/, "modulation"],
];

/** Prefixes of keys, with the words that the layers after them are named in. */
const PREFIXES: readonly (readonly [prefix: RegExp, words: EntryKey["words"]])[] = [
  [/^(base_model\.model\.)?(model\.)?diffusion_model\./, "original"],
  [/^lora_unet_/, "original"],
  [/^lora_transformer_/, "own"],
  [/^(base_model\.model\.)?(transformer\.)?/, "own"],
];

/** Takes a key apart; null if it does not end as entries of a LoRA do. */
export function entryKey(key: string): EntryKey | null {
  const found = ENDINGS.find(([ending]) => ending.test(key));
  if (!found) return null;
  const path = key.replace(found[0], "");
  const [prefix, words] = PREFIXES.find(([pattern]) => pattern.test(path))!;
  return { layer: path.replace(prefix, ""), kind: found[1], words };
}

/** Kinds of adapters that are no plain LoRA, by what their keys contain. */
const OTHER_ADAPTERS: readonly (readonly [sign: RegExp, name: string])[] = [
  [/\.(lora_magnitude_vector|dora_scale)(\.|$)/, "DoRA"],
  [/\.lokr_/, "LoKr"],
  [/\.hada_/, "LoHa"],
  [/\.oft_/, "OFT"],
  [/\.lora_mid\./, "Tucker-decomposed LoRA"],
];

/** Returns the name of another kind of adapter that a key belongs to; undefined if it shows none. */
export function otherAdapter(key: string): string | undefined {
  return OTHER_ADAPTERS.find(([sign]) => sign.test(key))?.[1];
}

/** Returns whether a key changes a text encoder. */
export function isOfTextEncoder(key: string): boolean {
  return /^(lora_te\d*_|text_encoder(_\d+)?\.|text_encoders\.|cond_stage_model\.)/.test(key);
}
