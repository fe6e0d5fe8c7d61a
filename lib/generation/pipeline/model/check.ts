import { grouped } from "../../../shared/sentences/index.ts";
import {
  type ModelFolder,
  type ModelFolderOptions,
  type ModelPart,
  modelNameOf,
  openModelFolder,
  type SafetensorsDType,
} from "../../checkpoint/index.ts";
import type { LoraCounts } from "../../lora/index.ts";
import { recipeSchema } from "../../models/index.ts";
import { previewCommand } from "../../preview/index.ts";
import type { VideoLimits } from "../../request/index.ts";
import { openTokenizer } from "../text/tokenizer.ts";
import { DemandedWeights } from "./demanded-weights.ts";
import { readDescription } from "./description.ts";
import { folderNotes } from "./folder-notes.ts";
import type { MemoryDemand } from "./memory-demand.ts";
import { LoraShelf } from "./open-loras.ts";
import { decoderPart, openSampler } from "./parts.ts";
import { findPreviewMap } from "./preview-map.ts";
import { type Attempt, type DemandedVideo, type OpenPart, type Parts, videoDemand } from "./video-demand.ts";
import { openVision } from "./vision.ts";

/** Facts of a model, read from its configurations and the headers of its weight files. */
export interface ModelCheck {
  readonly className: string;
  readonly parts: readonly PartCheck[];
  readonly videos: readonly VideoCheck[];
  /** Notes on the folder for the user, one sentence each. */
  readonly notes: readonly string[];
  readonly loras: readonly LoraCheck[];
  /** Sentence about the previews of its videos; null if the decoder cannot be opened. */
  readonly previews: string | null;
  /** Reasons why the model cannot run, one sentence each. */
  readonly faults: readonly string[];
}

/** A LoRA of the model's list. Its faults do not keep the model from running without it. */
export interface LoraCheck {
  readonly name: string;
  /** Numbers of changes for each transformer that it fits. */
  readonly changes: readonly (LoraCounts & { readonly transformer: number })[];
  readonly fault: string | null;
}

/** A part with weights. */
export interface PartCheck {
  readonly name: string;
  readonly className: string;
  /** Number of elements of the tensors that are used. */
  readonly parameters: number;
  /** Bytes stored in each type, of all tensors. */
  readonly bytesByDType: ReadonlyMap<SafetensorsDType, number>;
  readonly missing: readonly string[];
  /** Faults of tensors that are present, one sentence for each cause. */
  readonly unfit: readonly string[];
  /** Tensors that no graph uses and that are not known to be unneeded. */
  readonly unused: readonly string[];
}

/** Memory that one shape of video needs. */
export interface VideoCheck extends MemoryDemand, DemandedVideo {}

/**
 * Tensors of the encoder in the file of a decoder. Only videos that begin with an image use them; they are checked for
 * models that make no others.
 */
const ENCODER_TENSORS = /(^|\.)(encoder|quant_conv)\./;

/**
 * Checks a model folder without reading its weights or opening a session. Builds every graph of a generation, from text
 * or from the pictures that the model needs, and records which tensors each graph asks for.
 */
export async function checkModel(folder: string, options: ModelFolderOptions = {}): Promise<ModelCheck> {
  const faults: string[] = [];
  const attempt: Attempt = async (work) => {
    try {
      return await work();
    } catch (error) {
      const { message } = error as Error;
      if (!faults.includes(message)) faults.push(message);
      return undefined;
    }
  };
  const model = await attempt(() => openModelFolder(folder, options));
  if (!model) return { className: "", parts: [], videos: [], loras: [], previews: null, notes: [], faults };

  const description = await attempt(() => readDescription(folder, model.index));
  const parts: Parts = new Map();
  for (const name of partsToOpen(model)) {
    const opened = await attempt(() => openPart(model.part(name === "vae" ? decoderPart(model) : name)));
    if (opened) parts.set(name, opened);
  }
  await attempt(() => openTokenizer(model.part("tokenizer").folder, model.part("tokenizer").config));
  await attempt(() => openVision(model));
  const recipe = description?.recipe ?? recipeSchema.parse({});
  await attempt(() => openSampler(model.part("scheduler"), recipe));

  const videos: VideoCheck[] = [];
  const { takes_image = false, needs_image = false, needs_last_image = false } = description?.limits ?? {};
  const pictures = { areTaken: takes_image || needs_image, areNeeded: needs_image, areTwo: needs_last_image };
  const others = new Map(needs_image ? [] : [["vae", ENCODER_TENSORS]]);
  for (const video of description ? videosOf(description.limits) : []) {
    const demand = await videoDemand(parts, video, { attempt, others, pictures });
    if (demand) videos.push({ ...video, ...demand });
  }
  const checks = [...parts].map(([name, opened]) => checkPart(name, opened, others.get(name)));
  faults.push(...checks.flatMap((check) => faultsOf(parts.get(check.name)!.part.folder, check)));
  const opened = [...parts].map(([name, { checkpoint }]) => ({ name, checkpoint }));
  const notes = folderNotes({ assumed: description?.assumed ?? null }, opened, options.variant);
  const loras = description ? await checkLoras(folder, description.limits, parts) : [];
  const previews = (await attempt(() => checkPreviews(folder, parts.get("vae")))) ?? null;
  const { className } = model;
  return { className, parts: checks, videos, loras, previews, notes, faults: grouped(faults) };
}

/** Says what the folder holds for previews. */
async function checkPreviews(folder: string, vae: OpenPart | undefined): Promise<string | null> {
  if (!vae) return null;
  const name = modelNameOf(folder);
  const found = await findPreviewMap({ folder, name, vae: { ...vae.part, weights: vae.checkpoint } });
  if (found === null)
    return `the first video of each process has none, without the map that ${previewCommand(name)} makes.`;
  if ("refused" in found) return found.refused;
  const { rms, r2 } = found.file.measured;
  return `off by ${rms.toFixed(1)} of 255 (RMS), and explain ${(100 * r2).toFixed(1)} % of the variance.`;
}

/** Matches every LoRA of a model's list to its transformers. */
async function checkLoras(folder: string, limits: VideoLimits, parts: Parts): Promise<LoraCheck[]> {
  const transformers = [...parts].flatMap(([name, { part, checkpoint }]) =>
    name.startsWith("transformer") ? [{ ...part, weights: checkpoint }] : [],
  );
  const shelf = new LoraShelf(folder, transformers);
  const checks: LoraCheck[] = [];
  for (const { name } of limits.loras ?? []) {
    try {
      const { used } = await shelf.match({ loras: [{ name, scale: 1 }] });
      checks.push({ name, changes: used, fault: null });
    } catch (error) {
      checks.push({ name, changes: [], fault: (error as Error).message });
    }
  }
  return checks;
}

/** Returns the names of the parts that a pipeline opens, further transformers and an encoder of pictures included. */
function partsToOpen({ partNames }: ModelFolder): string[] {
  const further = partNames.filter((name) => /^transformer_\d+$|^image_encoder$/.test(name));
  return ["text_encoder", "transformer", ...further, "vae"];
}

async function openPart(part: ModelPart): Promise<OpenPart> {
  const checkpoint = await part.checkpoint();
  return { part, checkpoint, weights: new DemandedWeights(checkpoint) };
}

/**
 * Largest number of lengths that are all checked; a graph is built for each. If there are more, only the default and
 * the longest length are checked.
 */
const LENGTHS_MAX = 8;

/** Returns the videos to check, the default first. Checks a single frame rate, because memory does not depend on it. */
function videosOf({ sizes, frames, fps }: VideoLimits): DemandedVideo[] {
  const lengths = frames.length > LENGTHS_MAX ? new Set([frames[0]!, Math.max(...frames)]) : frames;
  return sizes.flatMap(([width, height]) =>
    [...lengths].map((count) => ({ width, height, frames: count, fps: fps[0]! })),
  );
}

function checkPart(name: string, { part, checkpoint, weights }: OpenPart, others?: RegExp): PartCheck {
  const bytesByDType = new Map<SafetensorsDType, number>();
  for (const tensor of checkpoint.names()) {
    const { dtype, byteLength } = checkpoint.info(tensor);
    bytesByDType.set(dtype, (bytesByDType.get(dtype) ?? 0) + byteLength);
  }
  const wasBuilt = weights.parameters > 0;
  return {
    name,
    className: part.className,
    parameters: weights.parameters,
    bytesByDType,
    missing: weights.missing,
    unfit: weights.unfit,
    unused: wasBuilt ? weights.unused.filter((tensor) => !others?.test(tensor)) : [],
  };
}

/** Returns the faults of a part, one sentence each. Unused tensors of the decoder are no fault, as in the pipeline. */
function faultsOf(folder: string, { name, missing, unfit, unused }: PartCheck): string[] {
  const counted = (names: readonly string[], what: string) => {
    if (names.length === 0) return [];
    const count = names.length === 1 ? "1 tensor is" : `${names.length} tensors are`;
    return [`${folder}: ${count} ${what}, first ${names[0]}`];
  };
  const strangers = name === "vae" ? [] : unused;
  return [
    ...counted(missing, "missing"),
    ...unfit,
    ...counted(strangers, "not part of the model that the config.json describes"),
  ];
}
