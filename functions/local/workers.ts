import { availableParallelism } from "node:os";
import { assignDevices } from "../../lib/generation/accelerator/index.ts";
import type { LocalGpuVariables } from "../../lib/shared/variables.ts";
import type { LocalConfig } from "./config.ts";
import { type GpuProcess, type GpuProcessOptions, startGpuProcess } from "./gpu-process.ts";
import { type ProcessBackend, processBackend } from "./process-backend.ts";

/** GPU processes of this machine, and the backend that gives them jobs. */
export interface Workers {
  readonly backend: ProcessBackend;
  /** Resolves once all of them accept jobs; rejects if one ends before that. */
  readonly started: Promise<void>;
  /** Sentence that says why no video can be made here at present; null while one can, or there are to be none. */
  readonly fault: string | null;
  /** Stops all. Resolves when the end of each running job has been told. */
  stop(): Promise<void>;
}

export interface WorkersOptions extends Omit<GpuProcessOptions, "env" | "onListening"> {
  /** Environment of each worker; none to leave the videos to workers elsewhere. */
  readonly envs: readonly Partial<LocalGpuVariables>[];
  /** Called with the backend's message that a run has ended. */
  readonly onRunEnd: (message: string) => Promise<void>;
}

export function startWorkers({ envs, onRunEnd, ...options }: WorkersOptions): Workers {
  const gpus: GpuProcess[] = envs.map((env, index) =>
    startGpuProcess({ ...options, env, name: workerName(envs, index), onListening: () => backend.wake() }),
  );
  const backend = processBackend({ gpus, onEnd: onRunEnd });
  return {
    backend,
    get started() {
      return Promise.all(gpus.map(({ started }) => started)).then(() => undefined);
    },
    get fault() {
      const faults = gpus.map(({ fault }) => fault);
      return faults.includes(null) ? null : (faults[0] ?? null);
    },
    async stop() {
      await Promise.all([...gpus.map((gpu) => gpu.stop()), backend.close()]);
    },
  };
}

/** Returns the name of one of several workers in sentences, by which an ill GPU can be found. */
export function workerName(envs: WorkersOptions["envs"], index: number): string | undefined {
  if (envs.length === 1) return undefined;
  const device = envs[index]!.CUDA_VISIBLE_DEVICES;
  return `The GPU function ${index + 1}${device ? ` on GPU ${device}` : ""}`;
}

export interface WorkersWanted
  extends Pick<LocalConfig, "workers" | "provider" | "visibleDevices" | "threads"> {
  /** Name of the setting that gives the number of workers, for errors; `WORKERS` by default. */
  readonly setting?: string;
}

/**
 * Returns what each worker has for itself: a GPU, and its share of the cores where nobody set `THREADS`.
 *
 * @throws ConfigError if there are more workers than GPUs
 */
export async function ownEnvironments({
  workers,
  provider,
  visibleDevices: visible,
  threads,
  setting,
}: WorkersWanted): Promise<Partial<LocalGpuVariables>[]> {
  const devices = await assignDevices({ workers, provider, visible, setting });
  const share = Math.max(1, Math.floor(availableParallelism() / workers));
  return devices.map((device) => ({
    ...(threads === null && workers > 1 && { THREADS: String(share) }),
    ...(device !== null && { CUDA_VISIBLE_DEVICES: device }),
  }));
}
