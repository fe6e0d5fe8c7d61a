import { HubError } from "./hub-error.ts";

/** Where the files of a part come from. */
export interface PartSource {
  /** The part's folder in the model. */
  readonly part: string;
  /** The repository. */
  readonly id: string;
  /** Its folder there; the whole repository where it is "". */
  readonly folder: string;
  /** All that is taken; everything a part needs where it is left out. */
  readonly only?: readonly string[];
}

/** What the pipelines of one class have in common. */
export interface Family {
  /** Parts that its repositories may have without naming them. */
  readonly unnamedParts?: readonly string[];
  /** Files that most of its repositories lack; what a repository brings itself is not replaced. */
  readonly supplements: readonly PartSource[];
}

/** A model that is assembled from several repositories, none of which is a pipeline by itself. */
export interface Assembly {
  readonly sources: readonly PartSource[];
  /** `model_index.json`. */
  readonly index: Readonly<Record<string, unknown>>;
  /** Contents of files that no repository has. */
  readonly files: Readonly<Record<string, unknown>>;
}

/** A model that people know by a name. */
export interface Recipe {
  /** The repository that stands for it: its `--revision` is the model's. */
  readonly id: string;
  readonly assembly?: Assembly;
}

/*
 * Repositories and their files were written down without looking at the hub, which `models add` does: ids of T5's
 * copies, tokenizer.json of t5-base, and subfolders of Open-Sora-Plan are from memory.
 */

const T5 = "THUDM/CogVideoX-2b";

/** Most repositories of T5 have its vocabulary as SentencePiece alone; every T5 has the same one, here as JSON. */
const t5Tokenizer: PartSource = {
  part: "tokenizer",
  id: "google-t5/t5-base",
  folder: "",
  only: ["tokenizer.json"],
};

/** The encoder alone, in 16 bit and as safetensors, which the repositories of T5 v1.1 are not. */
const t5: readonly PartSource[] = [
  { part: "text_encoder", id: T5, folder: "text_encoder" },
  { part: "tokenizer", id: T5, folder: "tokenizer" },
];

/** By the class that `model_index.json` names. */
export const families: Readonly<Record<string, Family>> = {
  LattePipeline: { unnamedParts: ["vae_temporal_decoder"], supplements: [t5Tokenizer] },
  OpenSoraPipeline: { supplements: [t5Tokenizer] },
  OpenSoraPlanPipeline: { supplements: [t5Tokenizer] },
  WanPipeline: { supplements: [] },
};

/** By the name of the folder they are put into. */
export const recipes: Readonly<Record<string, Recipe>> = {
  "latte-1": { id: "maxin-cn/Latte-1" },
  "wan2.1-1.3b": { id: "Wan-AI/Wan2.1-T2V-1.3B-Diffusers" },
  "wan2.1-14b": { id: "Wan-AI/Wan2.1-T2V-14B-Diffusers" },
  "wan2.2-a14b": { id: "Wan-AI/Wan2.2-T2V-A14B-Diffusers" },
  "open-sora-1.2": {
    id: "hpcai-tech/OpenSora-STDiT-v3",
    assembly: {
      sources: [
        { part: "transformer", id: "hpcai-tech/OpenSora-STDiT-v3", folder: "" },
        { part: "vae", id: "hpcai-tech/OpenSora-VAE-v1.2", folder: "" },
        ...t5,
      ],
      index: {
        _class_name: "OpenSoraPipeline",
        transformer: ["adareel", "STDiT3"],
        text_encoder: ["transformers", "T5EncoderModel"],
        tokenizer: ["transformers", "T5Tokenizer"],
        vae: ["adareel", "OpenSoraVAE_V1_2"],
        scheduler: ["adareel", "RFlowScheduler"],
      },
      files: {
        "scheduler/scheduler_config.json": { num_train_timesteps: 1000, use_timestep_transform: true },
      },
    },
  },
  "open-sora-plan-1.1": {
    id: "LanguageBind/Open-Sora-Plan-v1.1.0",
    assembly: {
      sources: [
        { part: "transformer", id: "LanguageBind/Open-Sora-Plan-v1.1.0", folder: "65x512x512" },
        { part: "vae", id: "LanguageBind/Open-Sora-Plan-v1.1.0", folder: "vae" },
        ...t5,
      ],
      index: {
        _class_name: "OpenSoraPlanPipeline",
        transformer: ["adareel", "LatteT2V"],
        text_encoder: ["transformers", "T5EncoderModel"],
        tokenizer: ["transformers", "T5Tokenizer"],
        vae: ["adareel", "CausalVAEModel"],
        scheduler: ["diffusers", "PNDMScheduler"],
      },
      // The class's own defaults, which the authors sample with.
      files: {
        "scheduler/scheduler_config.json": { beta_schedule: "linear", beta_start: 1e-4, beta_end: 0.02 },
      },
    },
  },
};

/** Parts of a pipeline that are run; others, such as safety checkers, are left where they are. */
export function isKnownPart(name: string): boolean {
  return /^(text_encoder|tokenizer|transformer(_2)?|vae|scheduler)$/.test(name);
}

/**
 * The recipe of a name or of a repository, or else one that takes the repository as it is; `name` is what to call the
 * model's folder.
 *
 * @throws HubError for what cannot be either
 */
export function recipeOf(model: string): Recipe & { readonly name: string } {
  const known = Object.entries(recipes).find(([name, { id }]) => name === model || id === model);
  if (known) return { name: known[0], ...known[1] };
  if (/^\w[\w.-]*\/\w[\w.-]*$/.test(model)) return { name: model.split("/")[1]!.toLowerCase(), id: model };
  const names = Object.keys(recipes).join(", ");
  throw new HubError(
    `${JSON.stringify(model)} is no folder, no id such as Wan-AI/Wan2.1-T2V-1.3B-Diffusers, and none of ${names}.`,
  );
}
