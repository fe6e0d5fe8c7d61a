import { hashWeights } from "../../lib/generation/checkpoint/index.ts";
import { usesMachineMemory } from "../../lib/generation/onnx/index.ts";
import {
  CancelledError,
  describeModel,
  GenerationError,
  type PipelineOptions,
  type PipelineProcess,
  type ProcessOptions,
  startPipelineProcess,
} from "../../lib/generation/pipeline/index.ts";
import { RequestError } from "../../lib/generation/request/index.ts";
import { ConfigError } from "../../lib/shared/environment.ts";
import { type AcceleratorHealth, acceleratorHealth } from "./accelerator-health.ts";
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
  /** Health of what the models run on; null for the CPU, which is never in doubt. */
  readonly accelerator: AcceleratorHealth | null;
  /**
   * Opens a model for generation, or returns it if it is still open. Calls must not overlap.
   *
   * @param signal ends the opening, and the process that it would take place in
   * @throws GenerationError if the model cannot be opened, with the fault `device_lost` if the accelerator does not
   *   work without a model either, CancelledError once `signal` aborts before
   */
  open(name: string, signal?: AbortSignal): Promise<WarmModel>;
  /**
   * Returns the error that the failure of a generation counts as. If the accelerator may be the cause, the model is
   * closed and the accelerator is checked: a check needs memory that an open model fills.
   */
  blame(cause: unknown, signal?: AbortSignal): Promise<unknown>;
  /**
   * Looks whether a fault is over: checks the accelerator if that is broken, and else opens the models in turn, one at
   * each call. Calls must not overlap with each other or with a generation.
   *
   * @throws Error that says why the fault is not over
   */
  recheck(signal?: AbortSignal): Promise<void>;
  /** Kills the process of the open model, whatever it is doing. */
  kill(): void;
  close(): Promise<void>;
}

/** Failed openings in a row, of each model at least one, after which the machine is held to be at fault. */
const FAILED_OPENINGS_MAX = 3;

const UNENDED = "The process of a model cannot be ended: restart this machine.";
const BROKEN = "The GPU of this machine does not work: see the log of the GPU function.";

/**
 * Checks the model folders. The first job of each model opens it.
 *
 * @throws CheckpointError if a folder is not a model, ConfigError if two models have the same name
 */
export async function warmModels(
  models: readonly NamedModel[],
  options: PipelineOptions,
  process: Pick<ProcessOptions, "silenceMsMax"> = {},
  accelerator = usesMachineMemory(options.provider) ? null : acceleratorHealth(options.provider!),
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
  /** Numbers of the openings that failed since the last one that succeeded, by model. */
  const failedOpenings = new Map<string, number>();
  let rechecks = 0;

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

  function isUnended(): boolean {
    return last !== null && !last.hasExited;
  }

  async function open(name: string, signal?: AbortSignal): Promise<WarmModel> {
    if (warm?.name !== name || !warm.pipeline.isOpen) {
      await close();
      warm = { name, pipeline: await start(name, signal) };
    }
    return { pipeline: warm.pipeline, weights: weightsOf(name) };
  }

  async function start(name: string, signal: AbortSignal | undefined): Promise<PipelineProcess> {
    try {
      const pipeline = await startPipelineProcess(folderOf.get(name)!, options, { ...process, signal });
      failedOpenings.clear();
      return pipeline;
    } catch (cause) {
      const error = await blame(cause, signal);
      if (!signal?.aborted && !accelerator?.isBroken)
        failedOpenings.set(name, (failedOpenings.get(name) ?? 0) + 1);
      throw error;
    }
  }

  async function blame(cause: unknown, signal?: AbortSignal): Promise<unknown> {
    if (!accelerator || signal?.aborted || !mayBeAccelerators(cause)) return cause;
    await close();
    try {
      await accelerator.check(signal);
      return cause;
    } catch (error) {
      if (signal?.aborted) return cause;
      return new GenerationError((error as Error).message, { fault: "device_lost", cause });
    }
  }

  function openingsFault(): string | null {
    const failed = [...failedOpenings.values()].reduce((sum, count) => sum + count, 0);
    if (failed < FAILED_OPENINGS_MAX || failedOpenings.size < folderOf.size) return null;
    return `The last ${failed} attempts to open a model failed: see the log of the GPU function.`;
  }

  return {
    names: [...folderOf.keys()],
    get warm() {
      return warm?.pipeline.isOpen ? warm.name : null;
    },
    get fault() {
      if (isUnended()) return UNENDED;
      return accelerator?.isBroken ? BROKEN : openingsFault();
    },
    accelerator,
    open,
    blame,
    async recheck(signal) {
      if (isUnended()) throw new Error(UNENDED);
      if (accelerator?.isBroken) return accelerator.check(signal);
      const names = [...folderOf.keys()];
      rechecks += 1;
      await open(names[rechecks % names.length]!, signal);
    },
    kill() {
      warm?.pipeline.kill();
    },
    close,
  };
}

/** Returns whether a failure may be the accelerator's: neither the request nor the files are the cause. */
function mayBeAccelerators(cause: unknown): boolean {
  if (cause instanceof RequestError || cause instanceof CancelledError) return false;
  return !(cause instanceof GenerationError && cause.fault === "bad_files");
}
