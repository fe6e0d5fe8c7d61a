import { listed, nameOf, quoted } from "../../shared/sentences/index.ts";

/**
 * Names of weight files, as diffusers and transformers save them: one file, or shards and their index. Either may be a
 * variant, such as `fp16`, which is part of the name. A folder may hold several of them side by side.
 */

/** Name of the file beside a part's weights that has some of them in 8-bit integers. It is no set of weights. */
export const QUANTIZED_FILE = "int8.safetensors";

/** A set of files that holds all weights of a part. */
export interface WeightSet {
  /** Name of the single file, or of the index. */
  readonly entry: string;
  readonly isIndex: boolean;
  /** Variant in the names; null for none. */
  readonly variant: string | null;
  /** Names of all files: the single one, or the index and its shards as far as they are there. */
  readonly files: readonly string[];
}

/** Stems of names, in order of preference; diffusers and transformers use different ones. */
const STEMS = ["diffusion_pytorch_model", "model"];

const SINGLE = /^(diffusion_pytorch_model|model)(?:\.([\w-]+))?\.safetensors$/;
const INDEX = /^(diffusion_pytorch_model|model)\.safetensors\.index(?:\.([\w-]+))?\.json$/;
/** Shards; some versions of diffusers wrote the variant after the numbers. */
const SHARD =
  /^(diffusion_pytorch_model|model)(?:\.([\w-]+?))?-(\d{5})-of-(\d{5})(?:\.([\w-]+))?\.safetensors$/;

/** Returns whether a name is that of an index of shards. */
export function isWeightIndex(name: string): boolean {
  return INDEX.test(name) || name.endsWith(".safetensors.index.json");
}

/** Returns the sets of weights among the files of a folder, the preferred ones of each variant first. */
export function weightSets(names: readonly string[]): WeightSet[] {
  const sets = STEMS.flatMap((stem) => [
    ...names.flatMap((name) => {
      const [, own, variant = null] = SHARD.test(name) ? [] : (SINGLE.exec(name) ?? []);
      return own === stem ? [{ entry: name, isIndex: false, variant, files: [name] }] : [];
    }),
    ...names.flatMap((name) => {
      const [, own, variant = null] = INDEX.exec(name) ?? [];
      if (own !== stem) return [];
      return [{ entry: name, isIndex: true, variant, files: [name, ...shardsOf(names, stem, variant)] }];
    }),
  ]);
  if (sets.length > 0) return sets;
  const others = otherFiles(names);
  return others.length === 1
    ? [{ entry: others[0]!, isIndex: false, variant: null, files: [others[0]!] }]
    : [];
}

/** Returns the files in the format of safetensors, of any name but that of quantised weights. */
function otherFiles(names: readonly string[]): string[] {
  return names.filter((name) => name.endsWith(".safetensors") && name !== QUANTIZED_FILE);
}

function shardsOf(names: readonly string[], stem: string, variant: string | null): string[] {
  return names.filter((name) => {
    const [, own, before, , , after] = SHARD.exec(name) ?? [];
    return own === stem && (before ?? after ?? null) === variant;
  });
}

/** Returns the number of shards that a set lacks by the numbers in the names of the others. */
export function missingShards({ isIndex, files }: WeightSet): number {
  if (!isIndex) return 0;
  const shards = files.slice(1);
  const [, , , , count] = SHARD.exec(shards[0] ?? "") ?? [];
  return count === undefined ? 1 : Number(count) - shards.length;
}

/** Choice of the weights of a part, or the reason why there is none, which continues a sentence about the folder. */
export type WeightChoice = { readonly set: WeightSet } | { readonly fault: string };

/**
 * Chooses the weights of a part among the files of its folder. Without a variant, those without one are taken, or the
 * only variant that there is. Parts that lack a variant are taken without it, as diffusers does.
 */
export function chooseWeights(names: readonly string[], variant?: string | null): WeightChoice {
  const sets = weightSets(names);
  const plain = sets.find((set) => set.variant === null);
  const wanted = variant ? (sets.find((set) => set.variant === variant) ?? plain) : plain;
  if (wanted) return { set: wanted };
  const variants = [...new Set(sets.map((set) => set.variant!))];
  if (variants.length === 1 && !variant) return { set: sets[0]! };
  if (variants.length > 0) {
    const has = `has its weights as ${variants.length === 1 ? "the variant" : "the variants"} ${listed(variants)}`;
    return { fault: `${has}: choose one with --variant${variant ? `, not ${quoted(variant)}` : ""}` };
  }
  return { fault: otherFormats(names) };
}

/** Returns the name of a weight file without its variant. */
export function withoutVariant(name: string, variant: string | null): string {
  return variant === null ? name : name.replace(`.${variant}`, "");
}

/** Endings of formats that hold weights and are not read. */
const CODE = /\.(bin|pt|pth|ckpt|pickle|pkl)$/;

function otherFormats(names: readonly string[]): string {
  const found = (pattern: RegExp) => names.find((name) => pattern.test(name));
  const partial = found(/\.(incomplete|partial|crdownload|part)$/);
  if (partial !== undefined) return `has a download that did not end (${nameOf(partial)}): download it again`;
  const code = found(CODE);
  if (code !== undefined)
    return (
      `has its weights as ${nameOf(code)}, which can hold code and is never opened: take a repository with ` +
      "safetensors, or save the model with safe_serialization=True"
    );
  const gguf = found(/\.gguf$/);
  if (gguf !== undefined)
    return `has its weights as ${nameOf(gguf)}, and GGUF is not read: take safetensors in float16, bfloat16 or float32`;
  const usual = STEMS.map((stem) => `${stem}.safetensors`).join(" or ");
  const several = otherFiles(names);
  if (several.length > 1) return `has several safetensors files and no index, and none is named ${usual}`;
  return `has no weights: ${usual}, or shards with their index`;
}
