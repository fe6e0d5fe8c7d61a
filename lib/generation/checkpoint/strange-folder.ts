import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isFolder } from "../../shared/is-folder.ts";
import { foreignFormat } from "./foreign-format.ts";
import { weightSets } from "./weight-layout.ts";

/** Names what is given as a model and is none: other layouts, parts of models, and files that change a model. */

const INDEX = "model_index.json";

const LAYOUT =
  "Adareel reads folders in the layout of diffusers, with model_index.json and a folder for each part: take the " +
  "repository whose name ends in -Diffusers or -diffusers, or one of npm run models -- add --help";
const LORA =
  "a LoRA, which changes a model and is none by itself: give the model it was made for with --model, and this file " +
  "with --lora";

/** Beginnings of names of tensors, each with the layout that has them. */
const LAYOUTS: readonly (readonly [name: RegExp, what: string])[] = [
  [/lora_(a|b|up|down)\b|\.lora\./i, LORA],
  [/^model\.diffusion_model\./, `a single file in ComfyUI's layout. ${LAYOUT}`],
  [
    /^(blocks\.\d+\.self_attn\.|diffusion_model\.)/,
    `the transformer alone in its authors' layout. ${LAYOUT}`,
  ],
  [/^(double_blocks|single_blocks)\./, `the transformer alone in its authors' layout. ${LAYOUT}`],
];

/** Headers are read up to this size to say what a file is. */
const HEADER_BYTES_MAX = 2 ** 24;

/**
 * Says what a folder or a repository without a `model_index.json` is, and what to do, by the names of its files. The
 * text is a sentence that lacks its subject.
 */
export function strangeFolder(names: readonly string[]): string {
  const here = names.filter((name) => !name.includes("/"));
  const has = (pattern: RegExp) => here.find((name) => pattern.test(name));
  if (has(/^adapter_config\.json$|lora.*\.safetensors$/i)) return `holds ${LORA}.`;
  if (has(/^models_t5_.*\.pth$|^Wan2.*_VAE\.pth$/i))
    return `holds a model in the layout of Wan's authors. ${LAYOUT}.`;
  if (has(/^config\.json$/) && weightSets(here).length > 0)
    return `has no ${INDEX}: it looks like one part of a model. ${LAYOUT}.`;
  if (names.some((name) => /^split_files\//.test(name)))
    return `holds single files in ComfyUI's layout. ${LAYOUT}.`;
  const gguf = has(/\.gguf$/);
  if (gguf) return `holds GGUF files, which are not read. ${LAYOUT}.`;
  const single = has(/\.(safetensors|bin|pth?|ckpt)$/);
  if (single) return `has no ${INDEX}, only single files such as ${single}. ${LAYOUT}.`;
  return `has no ${INDEX}, so it is no model. ${LAYOUT}.`;
}

/**
 * Says what a path that is given as a model is, and what to do; null if there is nothing. The text is a sentence that
 * lacks its subject.
 */
export function strangePath(path: string): string | null {
  if (!existsSync(path)) return null;
  if (isFolder(path)) return strangeFolder(readdirSync(path));
  if (!statSync(path).isFile()) return `is neither a file nor a folder. ${LAYOUT}.`;
  const names = tensorNames(path);
  if (typeof names === "string") return `is ${names}.`;
  const layout = LAYOUTS.find(([pattern]) => names.some((name) => pattern.test(name)));
  if (layout) return `is ${layout[1]}.`;
  if (basename(path) === INDEX) return `is the index of a model: give its folder, ${dirname(path)}.`;
  return `is a file, and a model is a folder. ${LAYOUT}.`;
}

/** Returns the names of the tensors of a safetensors file, or what a file of another format is. */
function tensorNames(path: string): string[] | string {
  const file = openSync(path, "r");
  try {
    const start = Buffer.alloc(64);
    const bytes = readSync(file, start, 0, start.length, 0);
    const length = bytes < 8 ? 0 : Number(start.readBigUInt64LE(0));
    if (length === 0 || length > HEADER_BYTES_MAX)
      return /\.(json|txt|md)$/.test(path) ? [] : (foreignFormat(start.subarray(0, bytes)) ?? []);
    const header = Buffer.alloc(length);
    if (readSync(file, header, 0, length, 8) < length) return [];
    return Object.keys(JSON.parse(header.toString()) as object);
  } catch {
    return [];
  } finally {
    closeSync(file);
  }
}

/** A folder of the hub's cache, `models--ORGANISATION--NAME`, possibly followed by `snapshots/COMMIT`. */
const CACHED = /(?:^|[/\\])models--[^/\\]+--([^/\\]+)(?:[/\\]snapshots[/\\][^/\\]+)?[/\\]?$/;

/**
 * Returns the folder of a model for one that is given: of the hub's cache, the snapshot that `refs/main` names, or else
 * the only one. Any other folder is returned as it is.
 */
export function snapshotOf(folder: string): string {
  const snapshots = join(folder, "snapshots");
  if (existsSync(join(folder, INDEX)) || !CACHED.test(folder) || !isFolder(snapshots)) return folder;
  const main = join(folder, "refs", "main");
  const named = existsSync(main) ? [readFileSync(main, "utf8").trim()] : readdirSync(snapshots);
  const there = named.filter((name) => /^[\w.-]+$/.test(name) && isFolder(join(snapshots, name)));
  return there.length === 1 ? join(snapshots, there[0]!) : folder;
}

/** Returns the name of a model by its folder: the folder's name, or that of the repository in the hub's cache. */
export function modelNameOf(folder: string): string {
  return CACHED.exec(folder)?.[1]?.toLowerCase() ?? basename(folder);
}
