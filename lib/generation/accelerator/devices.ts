import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ConfigError } from "../../shared/environment.ts";
import type { AskedProvider } from "./choose-provider.ts";

export interface DeviceNeeds {
  readonly workers: number;
  readonly provider: AskedProvider;
  /** `CUDA_VISIBLE_DEVICES`, GPUs with commas between them; null if it is not set. */
  readonly visible: string | null;
  /** Name of the setting that gives the number of workers, for errors; `WORKERS` by default. */
  readonly setting?: string | undefined;
}

const ASK_MS_MAX = 10_000;

/** Returns the number of GPUs that a list of `CUDA_VISIBLE_DEVICES` names, if the provider uses them; else null. */
export function listedDevices({ provider, visible }: Omit<DeviceNeeds, "workers">): number | null {
  return visible !== null && usesCuda(provider) ? visible.split(",").length : null;
}

/** Returns how many workers of this provider a machine has GPUs for, and 1 where the provider uses none. */
export async function countDevices(
  needs: Omit<DeviceNeeds, "workers">,
  command = "nvidia-smi",
): Promise<number> {
  if (!usesCuda(needs.provider)) return 1;
  return listedDevices(needs) ?? Math.max(1, (await uuidsOfGpus(command)).length);
}

/**
 * Gives each worker a GPU of its own: an entry of `CUDA_VISIBLE_DEVICES`, else one of those that nvidia-smi lists.
 *
 * @param command name or path of nvidia-smi
 * @returns the value of `CUDA_VISIBLE_DEVICES` for each worker; null where the worker chooses itself
 * @throws ConfigError if there are more workers than GPUs
 */
export async function assignDevices(
  { workers, provider, visible, setting = "WORKERS" }: DeviceNeeds,
  command = "nvidia-smi",
): Promise<readonly (string | null)[]> {
  const own = Array<null>(workers).fill(null);
  if (provider === "webgpu" && workers > 1)
    throw new ConfigError(
      `${setting} must be 1 with PROVIDER=webgpu, which takes the GPU that the system prefers.`,
    );
  if (!usesCuda(provider)) return own;
  const devices = visible?.split(",").map((entry) => entry.trim()) ?? (await uuidsOfGpus(command));
  // Without GPUs, `auto` takes the processor, and `cuda` says itself what is missing.
  if (devices.length === 0) return own;
  if (workers > devices.length) {
    const found = visible === null ? "nvidia-smi lists" : "CUDA_VISIBLE_DEVICES names";
    const gpus = devices.length === 1 ? "1 GPU" : `${devices.length} GPUs`;
    throw new ConfigError(
      `${setting} is ${workers}, but ${found} ${gpus}: set it to ${devices.length} at most, or PROVIDER to cpu.`,
    );
  }
  return workers === 1 && visible === null ? own : devices.slice(0, workers);
}

function usesCuda(provider: AskedProvider): boolean {
  return provider === "cuda" || provider === "auto";
}

/** Lists the GPUs by their UUIDs, because CUDA numbers them in another order; none where nvidia-smi does not answer. */
async function uuidsOfGpus(command: string): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)(command, ["--list-gpus"], { timeout: ASK_MS_MAX });
    return [...stdout.matchAll(/^GPU \d+:.*\(UUID: (GPU-[\w-]+)\)/gm)].map(([, uuid]) => uuid!);
  } catch {
    return [];
  }
}
