import { join } from "node:path";
import { isThere } from "../../shared/is-there.ts";
import { quoted } from "../../shared/sentences/index.ts";
import { Checkpoint } from "./checkpoint.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import { readJsonObject, toPlain } from "./json-file.ts";
import { isFileName } from "./weight-files.ts";

/** Parsed JSON of a part, not validated yet: the code that knows the architecture does that. */
export type Config = Readonly<Record<string, unknown>>;

export interface ModelPart {
  /** Class named in `model_index.json`, such as `AutoencoderKL`. */
  readonly className: string;
  /** Class of the pipeline that the part belongs to; "" if `model_index.json` names none. */
  readonly pipeline: string;
  readonly folder: string;
  /** `config.json`, or the corresponding file of a tokenizer, scheduler or image processor; empty if the part has none. */
  readonly config: Config;
  /** Opens the weights of this part, in the variant that the folder was opened with if there is one. */
  checkpoint(): Promise<Checkpoint>;
}

/** Pipeline in the layout of diffusers: `model_index.json` and one folder for each part. */
export interface ModelFolder {
  readonly folder: string;
  /** Pipeline class named in `model_index.json`. */
  readonly className: string;
  /** Whole content of `model_index.json`. */
  readonly index: Config;
  readonly partNames: readonly string[];
  /**
   * @throws CheckpointError if the model has no part of that name
   */
  part(name: string): ModelPart;
}

export interface ModelFolderOptions {
  /** Variant of the weights to prefer, such as `fp16`; by default those without a variant. */
  readonly variant?: string | undefined;
}

/** Parts that Latte-1 has although its index does not name them. */
const unnamedParts = ["vae_temporal_decoder"];

const configNames = [
  "config.json",
  "scheduler_config.json",
  "tokenizer_config.json",
  "preprocessor_config.json",
];

/**
 * Reads `model_index.json` and the configuration of every part it names. Weights are opened on demand.
 *
 * @throws CheckpointError naming the file or folder at fault
 *
 * @example
 * const model = await openModelFolder("models/demo");
 * console.log(model.partNames); // transformer, text_encoder, tokenizer, vae, scheduler
 * const weights = await model.part("transformer").checkpoint();
 */
export async function openModelFolder(
  folder: string,
  options: ModelFolderOptions = {},
): Promise<ModelFolder> {
  const indexPath = join(folder, "model_index.json");
  const index = await readJsonObject(indexPath);
  const pipeline = index.get("_class_name");
  const opening = { ...options, pipeline: typeof pipeline === "string" ? pipeline : "" };
  const parts = new Map<string, ModelPart>();
  for (const [name, entry] of index) {
    // A part is [library, class]. [null, null] marks an optional part that is absent.
    if (name.startsWith("_") || !Array.isArray(entry) || typeof entry[1] !== "string") continue;
    if (!isFileName(name)) throw new CheckpointError(indexPath, `part ${quoted(name)} is not a folder name`);
    parts.set(name, await openPart(join(folder, name), entry[1], opening));
  }
  for (const name of unnamedParts) {
    if (parts.has(name) || !(await isThere(join(folder, name, "config.json")))) continue;
    const part = await openPart(join(folder, name), "", opening);
    parts.set(name, { ...part, className: String(part.config._class_name) });
  }
  return {
    folder,
    className: opening.pipeline,
    index: toPlain(index) as Config,
    partNames: [...parts.keys()],
    part(name) {
      const part = parts.get(name);
      if (part) return part;
      throw new CheckpointError(
        indexPath,
        `the model has no part ${name}, only ${[...parts.keys()].join(", ")}`,
      );
    },
  };
}

async function openPart(
  folder: string,
  className: string,
  { variant, pipeline }: ModelFolderOptions & Pick<ModelPart, "pipeline">,
): Promise<ModelPart> {
  if (!(await isThere(folder)))
    throw new CheckpointError(folder, "model_index.json names this folder and it is missing");
  let config: Config = {};
  for (const path of configNames.map((name) => join(folder, name))) {
    if (!(await isThere(path))) continue;
    config = toPlain(await readJsonObject(path)) as Config;
    break;
  }
  return { className, pipeline, folder, config, checkpoint: () => Checkpoint.open(folder, variant) };
}
