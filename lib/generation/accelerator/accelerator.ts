import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { endWithParent } from "../../shared/end-with-parent.ts";
import { ConfigError } from "../../shared/environment.ts";
import { RUNNER } from "../../shared/run/index.ts";
import type { Provider } from "../onnx/index.ts";

/** Error for a provider that does not work on this machine. */
export class ProviderError extends ConfigError {
  /** Reason in a few words, whose subject is the provider. */
  readonly reason: string;

  /**
   * @param more what to do, or what onnxruntime says
   * @param options.brief the reason as `auto` tells it; `reason` by default
   */
  constructor(
    provider: Provider,
    reason: string,
    more: string,
    { brief = reason, ...options }: ErrorOptions & { readonly brief?: string } = {},
  ) {
    super(`The provider ${provider} ${reason}: ${more}.`, options);
    this.reason = `${provider} ${brief}`;
  }
}

/** Paths at which a GPU and its library are detected. */
export interface Machine {
  readonly deviceFolder: string;
  /** CUDA library of onnxruntime, which is in the GPU image but not in the npm package. */
  readonly cudaLibrary: string;
}

export interface TryOptions {
  /**
   * True if the provider must multiply faster than the CPU, which a Vulkan driver in software does not; false by
   * default.
   */
  readonly mustOutrunCpu?: boolean | undefined;
  /** Ends the try once it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Longest try, in milliseconds; three minutes by default. */
  readonly msMax?: number | undefined;
}

/** Names of GPU devices: `nvidia0` and so on of NVIDIA's driver, `dxg` of WSL. */
const DEVICE = /^(nvidia\d+|dxg)$/;

const TRY_MS_MAX = 180_000;
const ASK_MS_MAX = 10_000;

/**
 * Checks that the provider has a GPU and its library, so that a model does not fall back to the CPU on a machine whose
 * GPU is paid for.
 *
 * @throws ProviderError if either is missing
 */
export function assertProvider(provider: Provider, machine = thisMachine()): void {
  if (provider !== "cuda") return;
  const hasDevice =
    existsSync(machine.deviceFolder) && readdirSync(machine.deviceFolder).some((name) => DEVICE.test(name));
  if (!hasDevice) {
    throw new ProviderError(
      provider,
      "finds no NVIDIA GPU here",
      "choose an instance type with one, run docker with --gpus all, or take the provider cpu",
    );
  }
  if (!existsSync(machine.cudaLibrary)) {
    throw new ProviderError(
      provider,
      "finds no CUDA library of onnxruntime-node here",
      "use the image for GPUs, run onnxruntime-node's install script, or take the provider cpu",
    );
  }
}

/**
 * Runs a small model on the provider, so that a driver that is too old for CUDA, a missing adapter or a driver that
 * computes wrongly fails the deployment, not its jobs. That is done in another process, because a driver can end it. A
 * process that a driver holds, so that nothing can kill it, is not waited for.
 *
 * @throws ProviderError with the message of onnxruntime, also once the signal aborts
 */
export async function tryProvider(provider: Provider, options: TryOptions = {}): Promise<void> {
  const { mustOutrunCpu = false, signal, msMax = TRY_MS_MAX } = options;
  const script = fileURLToPath(new URL("./try-provider.ts", import.meta.url));
  const args = [RUNNER, script, provider, ...(mustOutrunCpu ? ["faster"] : [])];
  const limit = AbortSignal.timeout(msMax);
  try {
    const trying = promisify(execFile)(process.execPath, args, {
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      killSignal: "SIGKILL",
    });
    endWithParent(trying.child);
    await trying;
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string };
    const told = limit.aborted ? `it did not answer within ${msMax / 1000} seconds` : stderr || message;
    const reason = told.trim().split("\n").at(-1);
    const [why] = reason!.split(/[:,(]/);
    const brief = `is of no use here, because ${why!.trim()}`;
    throw new ProviderError(provider, "does not work here", reason!, { cause, brief });
  }
}

/** NVIDIA GPU, as nvidia-smi describes it. */
export interface NvidiaGpu {
  /** Name such as NVIDIA L40S. */
  readonly name: string;
  /** Bytes of its memory; null if they are not told. */
  readonly memoryBytes: number | null;
}

/**
 * Asks nvidia-smi for a GPU. Returns null for other providers than CUDA, and where it cannot be asked.
 *
 * @param options.device number or UUID of the GPU; the first by default
 * @param options.command name or path of nvidia-smi
 */
export async function nvidiaGpu(
  provider: Provider,
  {
    device = null,
    command = "nvidia-smi",
  }: { readonly device?: string | null; readonly command?: string } = {},
): Promise<NvidiaGpu | null> {
  if (provider !== "cuda") return null;
  const query = ["--query-gpu=name,memory.total", "--format=csv,noheader,nounits"];
  if (device !== null) query.push(`--id=${device}`);
  try {
    const { stdout } = await promisify(execFile)(command, query, { timeout: ASK_MS_MAX });
    const [, name, mebibytes] = /^(.+), ([^,\n]+)$/m.exec(stdout) ?? [];
    if (name === undefined) return null;
    return { name: name.trim(), memoryBytes: Number(mebibytes) > 0 ? Number(mebibytes) * 2 ** 20 : null };
  } catch {
    return null;
  }
}

function thisMachine(): Machine {
  const runtime = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  const binaries = join(runtime, "bin/napi-v6", process.platform, process.arch);
  return { deviceFolder: "/dev", cudaLibrary: join(binaries, "libonnxruntime_providers_cuda.so") };
}
