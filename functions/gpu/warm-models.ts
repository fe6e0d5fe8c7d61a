import { hashWeights } from "../../lib/generation/checkpoint/index.ts";
import {
  describeModel,
  type PipelineOptions,
  type PipelineProcess,
  type ProcessOptions,
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
  /** Sentence that says why no model can be used at present; null if nothing is known to be wrong. */
  readonly fault: string | null;
  /**
   * Opens a model for generation, or returns it if it is still open. Calls must not overlap.
   *
   * @param signal ends the opening, and the process that it would take place in
   * @throws GenerationError if the model cannot be opened, CancelledError once `signal` aborts before
   */
  open(name: string, signal?: AbortSignal): Promise<WarmModel>;
  /** Kills the process of the open model, whatever it is doing. */
  kill(): void;
  close(): Promise<void>;
}

/** Failed openings in a row after which the machine is held to be at fault. */
const FAILED_OPENINGS_MAX = 3;

/**
 * Checks the model folders. The first job of each model opens it.
 *
 * @throws CheckpointError if a folder is not a model, ConfigError if two models have the same name
 */
export async function warmModels(
  models: readonly NamedModel[],
  options: PipelineOptions,
  process: Pick<ProcessOptions, "silenceMsMax"> = {},
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
  /** Process that was there last, and may be there still. */
  let last: PipelineProcess | null = null;
  let failedOpenings = 0;

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
    last = closing?.pipeline ?? last;
    await closing?.pipeline.close();
  }

  async function start(name: string, signal: AbortSignal | undefined): Promise<PipelineProcess> {
    try {
      const pipeline = await startPipelineProcess(folderOf.get(name)!, options, { ...process, signal });
      failedOpenings = 0;
      return pipeline;
    } catch (error) {
      if (!signal?.aborted) failedOpenings += 1;
      throw error;
    }
  }

  return {
    names: [...folderOf.keys()],
    get warm() {
      return warm?.pipeline.isOpen ? warm.name : null;
    },
    get fault() {
      if (last && !last.hasExited) return "The process of a model cannot be ended: restart this machine.";
      if (failedOpenings < FAILED_OPENINGS_MAX) return null;
      return `The last ${failedOpenings} attempts to open a model failed: see the log of the GPU function.`;
    },
    async open(name, signal) {
      if (warm?.name !== name || !warm.pipeline.isOpen) {
        await close();
        warm = { name, pipeline: await start(name, signal) };
      }
      return { pipeline: warm.pipeline, weights: weightsOf(name) };
    },
    kill() {
      warm?.pipeline.kill();
    },
    close,
  };
}
