import { realpath } from "node:fs/promises";
import { nameOf } from "../../shared/sentences/index.ts";
import { Checkpoint, CheckpointError, readMetadata, type StoredTensor } from "../checkpoint/index.ts";
import type { LoraNaming } from "../models/index.ts";
import type { ExternalTensor } from "../onnx/index.ts";
import { type AdapterSettings, adapterSettings } from "./adapter-settings.ts";
import { type EntryKind, entryKey, isOfTextEncoder, otherAdapter } from "./entry.ts";
import { type LayerNames, layerNames } from "./layer-names.ts";

/** Change of a weight: `scale` is that of the file, which a user's own scale multiplies. */
export type LoraChange = { readonly scale: number } & (
  | { readonly difference: ExternalTensor }
  | { readonly down: ExternalTensor; readonly up: ExternalTensor }
);

/** A LoRA file, matched to a transformer. Its tensors stay on disk. */
export interface Lora {
  /** Folder that the locations of its tensors are relative to. */
  readonly root: string;
  /** Changes by the name of the tensor that they are added to. */
  readonly changes: ReadonlyMap<string, readonly LoraChange[]>;
  readonly counts: LoraCounts;
}

/** Numbers of changes that a LoRA makes to a transformer, by kind. */
export interface LoraCounts {
  readonly lowRank: number;
  /** Differences of weights, those of biases apart. */
  readonly differences: number;
  readonly biases: number;
  /** Entries for an image branch, left out because the transformer has none. */
  readonly leftOut: number;
}

/** Transformer that a LoRA is to change. */
export interface LoraTarget {
  readonly weights: Pick<Checkpoint, "tensors">;
  readonly naming: LoraNaming;
}

const NAME_MAX = 120;

/**
 * Reads a LoRA file and matches each of its entries to a weight of a transformer. Names may be those of diffusers,
 * PEFT, ComfyUI, kohya's trainers or the model's authors. The scale is alpha / rank: an `alpha` beside the matrices counts
 * before the header's, and without either the scale is 1.
 *
 * @throws CheckpointError if an entry fits no weight, or the file is no plain LoRA
 */
export async function readLora(path: string, { weights, naming }: LoraTarget): Promise<Lora> {
  const refuse = (reason: string): never => {
    throw new CheckpointError(path, reason);
  };
  const file = await Checkpoint.open(await realpath(path).catch(() => path));
  const keys = file.names();
  checkKind(keys, refuse);
  let settings: AdapterSettings | null = null;
  try {
    settings = adapterSettings(await readMetadata(path));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    refuse(error.message);
  }
  const tensors = weights.tensors();
  const names = layerNames(tensors.keys(), naming);
  const { layers, leftOut } = matched(keys, names, { naming, refuse });
  const changes = new Map<string, LoraChange[]>();
  const counts = { lowRank: 0, differences: 0, biases: 0, leftOut };
  for (const layer of layers.values()) {
    const own = await changesOf(layer, { file, settings, tensors, refuse });
    for (const { name, kind, change } of own) {
      changes.set(name, [...(changes.get(name) ?? []), change]);
      counts[kind] += 1;
    }
  }
  return { root: file.root, changes, counts };
}

type Refuse = (reason: string) => never;

/** Refuses other adapters, and files without a single entry of a LoRA. */
function checkKind(keys: readonly string[], refuse: Refuse): void {
  const other = keys.map(otherAdapter).find((name) => name !== undefined);
  if (other !== undefined) refuse(`it is a ${other}, which is not supported: only plain LoRA files are`);
  if (keys.some(isOfTextEncoder)) {
    const first = keys.find(isOfTextEncoder)!;
    refuse(
      `it changes a text encoder too (${nameOf(first, NAME_MAX)}), and only transformers can be changed`,
    );
  }
  if (!keys.some((key) => entryKey(key)))
    refuse(`it is no LoRA: it holds no lora_A, lora_down or diff, but ${nameOf(keys[0]!, NAME_MAX)}`);
}

/** Entries of one layer, by kind. */
interface LayerEntries {
  readonly layer: string;
  readonly entries: Map<EntryKind, { readonly key: string; readonly tensor: string }>;
}

/** Groups the keys of a file by the layers of the transformer that they fit. */
function matched(
  keys: readonly string[],
  names: LayerNames,
  { naming, refuse }: { naming: LoraNaming; refuse: Refuse },
) {
  const layers = new Map<string, LayerEntries>();
  const strangers: string[] = [];
  let leftOut = 0;
  for (const key of keys) {
    const entry = entryKey(key);
    const tensor = entry ? names.tensorOf(entry) : undefined;
    if (entry && tensor !== undefined) {
      const layer = names.layerOf(entry)!;
      const of = layers.get(layer) ?? { layer, entries: new Map() };
      const twice = of.entries.get(entry.kind);
      if (twice) refuse(`both ${nameOf(twice.key, NAME_MAX)} and ${nameOf(key, NAME_MAX)} change ${tensor}`);
      of.entries.set(entry.kind, { key, tensor });
      layers.set(layer, of);
    } else if (entry && naming.imageBranch?.test(entry.layer)) leftOut += 1;
    else strangers.push(key);
  }
  if (strangers.length > 0) {
    const first = nameOf(strangers[0]!, NAME_MAX);
    const whole = layers.size === 0 && leftOut === 0;
    const count = whole ? "none of its entries fits" : strangersOf(strangers.length, keys.length);
    const why = whole ? ": it was made for another model" : "";
    refuse(`${count} a weight of this model, first ${first}${why}`);
  }
  return { layers, leftOut };
}

function strangersOf(count: number, all: number): string {
  return count === 1 ? `1 of its ${all} entries does not fit` : `${count} of its ${all} entries do not fit`;
}

interface NamedChange {
  readonly name: string;
  readonly kind: "lowRank" | "differences" | "biases";
  readonly change: LoraChange;
}

interface Reading {
  readonly file: Checkpoint;
  readonly settings: AdapterSettings | null;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly refuse: Refuse;
}

/** Returns the changes of one layer. */
async function changesOf({ layer, entries }: LayerEntries, reading: Reading): Promise<NamedChange[]> {
  const { file, settings, tensors, refuse } = reading;
  const [down, up, alpha] = [entries.get("down"), entries.get("up"), entries.get("alpha")];
  const changes: NamedChange[] = [];
  if ((down === undefined) !== (up === undefined)) {
    const [one, other] = down ? [down, "up (lora_B)"] : [up!, "down (lora_A)"];
    refuse(`${nameOf(one.key, NAME_MAX)} has no matrix ${other} beside it`);
  }
  if (entries.size === 1 && alpha) refuse(`${nameOf(alpha.key, NAME_MAX)} has no matrices beside it`);
  let scale = 1;
  if (down && up) {
    const rank = checkShapes(down, up, reading);
    const stated = settings?.rankOf(layer);
    if (!alpha && stated !== undefined && stated !== rank)
      refuse(
        `its header states rank ${stated} for ${layer}, and ${nameOf(down.key, NAME_MAX)} has rank ${rank}`,
      );
    scale = alpha ? (await alphaOf(alpha.key, reading)) / rank : (settings?.scaleOf(layer, rank) ?? 1);
    // In float32, whatever the type of the file: scaling a bfloat16 matrix would cost 0.2 % of the change.
    const change = {
      scale: Math.fround(scale),
      down: file.tensor(down.key, file.info(down.key).shape),
      up: file.tensor(up.key, file.info(up.key).shape),
    };
    changes.push({ name: down.tensor, kind: "lowRank", change });
  }
  for (const [kind, { key, tensor }] of entries) {
    if (kind === "down" || kind === "up" || kind === "alpha") continue;
    const { shape } = tensors.get(tensor)!;
    const own = file.info(key).shape;
    if (withoutOnes(own) !== withoutOnes(shape)) misfit(key, own, { tensor, shape, refuse });
    const difference = { ...file.tensor(key, own), shape };
    const change = { difference, scale: kind === "up bias" ? Math.fround(scale) : 1 };
    const isBias = kind === "bias" || kind === "up bias";
    changes.push({ name: tensor, kind: isBias ? "biases" : "differences", change });
  }
  return changes;
}

type Entry = { readonly key: string; readonly tensor: string };

/** Checks that two matrices make a change of the shape of their weight; returns their rank. */
function checkShapes(down: Entry, up: Entry, { file, tensors, refuse }: Reading): number {
  const { shape } = tensors.get(down.tensor)!;
  const [from, to] = [file.info(down.key).shape, file.info(up.key).shape];
  const [rank = 0, ...inputs] = from;
  const product = (sizes: readonly number[]) => sizes.reduce((count, size) => count * size, 1);
  const made = [to[0] ?? 0, ...inputs];
  const isMatrix = shape.length > 1 && from.length > 1 && to.length > 1 && rank > 0;
  const isOfRank = product(to.slice(1)) === rank;
  const fits = to[0] === shape[0] && product(inputs) === product(shape.slice(1));
  if (isMatrix && !isOfRank)
    refuse(`${nameOf(down.key, NAME_MAX)} has rank ${rank}, and ${nameOf(up.key, NAME_MAX)} another`);
  if (!isMatrix || !fits) misfit(down.key, made, { tensor: down.tensor, shape, refuse });
  return rank;
}

function misfit(
  key: string,
  made: readonly number[],
  { tensor, shape, refuse }: { tensor: string; shape: readonly number[]; refuse: Refuse },
): never {
  return refuse(
    `${nameOf(key, NAME_MAX)} is for a weight of [${made.join(", ")}], and ${tensor} of this model has ` +
      `[${shape.join(", ")}]: the LoRA was made for another model`,
  );
}

function withoutOnes(shape: readonly number[]): string {
  return shape.filter((size) => size !== 1).join();
}

async function alphaOf(key: string, { file, refuse }: Reading): Promise<number> {
  const alpha = await file.readNumber(key);
  return Number.isFinite(alpha) ? alpha : refuse(`${nameOf(key, NAME_MAX)} is not a finite number`);
}
