import type { Config } from "../../checkpoint/index.ts";
import {
  diffusionTransformer,
  familyOf,
  latentDecoder,
  nearestModelOf,
  nominalSize,
  recipeSchema,
  textEncoder,
} from "../../models/index.ts";
import { videoLimitsSchema } from "../../request/index.ts";
import { samplerOf } from "../../sampling/index.ts";
import { latentShapeOf } from "../video-sessions.ts";

/** Configurations of the parts of a folder whose weights need not be there. */
export interface FolderConfigs {
  /** Content of `model_index.json`. */
  readonly index: Config;
  /** Configuration of each part that has one, by its name. */
  readonly parts: Readonly<Record<string, Config>>;
}

/**
 * Returns why a model cannot run, as far as its configurations say so, one sentence each. No weights are needed, so
 * that a model is refused before it is downloaded.
 */
export async function configFaults({ index, parts }: FolderConfigs): Promise<string[]> {
  const faults: string[] = [];
  const attempt = <R>(work: () => R): R | undefined => {
    try {
      return work();
    } catch (error) {
      // A video of the default shape may lack what a model needs besides, such as a picture: that is no fault.
      if (!(error instanceof RangeError)) faults.push((error as Error).message);
      return undefined;
    }
  };
  const pipeline = String(index._class_name);
  const partOf = (name: string) => ({
    className: String(classOf(index, name)),
    config: parts[name] ?? {},
    pipeline,
  });
  const preferred = familyOf(index)?.unnamedDecoder;
  const decoderName = preferred !== undefined && preferred in parts ? preferred : "vae";
  const config = parts[decoderName] ?? {};
  const className = String(classOf(index, decoderName) ?? config._class_name);
  attempt(() => textEncoder(partOf("text_encoder")));
  const decoder = attempt(() => latentDecoder({ className, config }));
  attempt(() => {
    try {
      samplerOf(partOf("scheduler"));
    } catch (cause) {
      throw new Error(`The scheduler cannot be used: ${(cause as Error).message}.`, { cause });
    }
  });
  const nearest = await nearestModelOf(index, async () => parts.transformer ?? {});
  const said = {
    ...familyOf(index)?.recipe,
    ...nearest?.model.video,
    ...(index.video as object | undefined),
  };
  const [limits, recipe] = [videoLimitsSchema.safeParse(said), recipeSchema.safeParse(said)];
  if (!decoder || !limits.success || !recipe.success) return faults;
  const [[width, height], frames, fps] = [limits.data.sizes[0]!, limits.data.frames[0]!, limits.data.fps[0]!];
  const transformers = Object.keys(parts).filter((name) => /^transformer(_\d+)?$/.test(name));
  for (const name of transformers) {
    attempt(() => {
      const latent = latentShapeOf(decoder, { width, height, frames });
      const told = nominalSize(recipe.data, { width, height });
      diffusionTransformer(partOf(name), { latent, ...told, frames, fps });
    });
  }
  return [...new Set(faults)];
}

function classOf(index: Config, part: string): string | undefined {
  const entry = index[part];
  return Array.isArray(entry) && typeof entry[1] === "string" ? entry[1] : undefined;
}
