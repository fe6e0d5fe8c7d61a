import { hashWeights } from "../../lib/generation/checkpoint/index.ts";
import {
  describeModel,
  type PipelineOptions,
  type PipelineProcess,
  startPipelineProcess,
} from "../../lib/generation/pipeline/index.ts";
import { ConfigError } from "../../lib/shared/environment.ts";
import type { NamedModel } from "./models.ts";

export interface WarmModel {
  readonly pipeline: PipelineProcess;
  /** SHA-256 hashes of the model's files. Hashing reads the whole model; it rejects with CheckpointError. */
  readonly weights: Promise<Readonly<Record<string, string>>>;
}

/** Models of this deployment. Only one model is open at a time, because it fills the GPU. */
export interface WarmModels {
  readonly names: readonly string[];
  /** Name of the open model. */
  readonly warm: string | null;
  /**
   * Opens a model for generation, or returns it if it is still open. Calls must not overlap.
   *
   * @throws GenerationError if the model cannot be opened
   */
  open(name: string): Promise<WarmModel>;
  /** Kills the process of the open model, whatever it is doing. */
  kill(): void;
  close(): Promise<void>;
}

/**
 * Checks the model folders. The first job of each model opens it.
 *
 * @throws CheckpointError if a folder is not a model, ConfigError if two models have the same name
 */
export async function warmModels(
  models: readonly NamedModel[],
  options: PipelineOptions,
): Promise<WarmModels> {
  const folderOf = new Map<string, string>();
  for (const { name, folder } of models) {
    await describeModel(folder);
    if (folderOf.has(name)) {
      throw new ConfigError(`MODELS has two models named ${name}: rename one of the folders.`);
    }
    folderOf.set(name, folder);
  }
  const hashes = new Map<string, WarmModel["weights"]>();
  let warm: { name: string; pipeline: PipelineProcess } | null = null;

  /**
   * Starts hashing the weights. The caller does this after the model is opened, because opening and hashing would
   * compete for the disk.
   */
  function weightsOf(name: string): WarmModel["weights"] {
    const begun = hashes.get(name);
    if (begun) return begun;
    const hashing = hashWeights(folderOf.get(name)!);
    hashes.set(name, hashing);
    // The caller gets the rejection; the next job tries again.
    hashing.catch(() => hashes.delete(name));
    return hashing;
  }

  async function close(): Promise<void> {
    const closing = warm;
    warm = null;
    await closing?.pipeline.close();
  }

  return {
    names: [...folderOf.keys()],
    get warm() {
      return warm?.pipeline.isOpen ? warm.name : null;
    },
    async open(name) {
      if (warm?.name !== name || !warm.pipeline.isOpen) {
        await close();
        warm = { name, pipeline: await startPipelineProcess(folderOf.get(name)!, options) };
      }
      return { pipeline: warm.pipeline, weights: weightsOf(name) };
    },
    kill() {
      warm?.pipeline.kill();
    },
    close,
  };
}
