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
  /** Rejects with CheckpointError; may take as long as reading the whole model. */
  readonly weights: Promise<Readonly<Record<string, string>>>;
}

/** The models of this deployment. One is open at a time: what fills a GPU leaves no room for a second. */
export interface WarmModels {
  readonly names: readonly string[];
  /** The one that is open. */
  readonly warm: string | null;
  /**
   * The named model, ready to generate; opens nothing if it was the last one used and its process lives. One call at a
   * time.
   *
   * @throws GenerationError when the model cannot be opened
   */
  open(name: string): Promise<WarmModel>;
  /** Ends the process of the model that is open, in the middle of whatever it does. */
  kill(): void;
  close(): Promise<void>;
}

/**
 * Reads what the models are; the first job of each opens it.
 *
 * @throws CheckpointError when a folder is not a model, ConfigError when two have one name
 */
export async function warmModels(
  models: readonly NamedModel[],
  options: PipelineOptions,
): Promise<WarmModels> {
  const folderOf = new Map<string, string>();
  for (const { name, folder } of models) {
    await describeModel(folder);
    if (folderOf.has(name)) {
      throw new ConfigError(`MODELS has two models of the name ${name}, which jobs could not tell apart.`);
    }
    folderOf.set(name, folder);
  }
  const hashes = new Map<string, WarmModel["weights"]>();
  let warm: { name: string; pipeline: PipelineProcess } | null = null;

  /** Begun once a model is open, so that a first job need not share the disk with it. */
  function weightsOf(name: string): WarmModel["weights"] {
    const begun = hashes.get(name);
    if (begun) return begun;
    const hashing = hashWeights(folderOf.get(name)!);
    hashes.set(name, hashing);
    // Whoever awaits it is told; the next job tries again.
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
