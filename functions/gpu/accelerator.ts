import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ConfigError } from "../../lib/environment.ts";
import type { PipelineOptions } from "../../lib/pipeline/index.ts";

/** Where a GPU would be seen. */
export interface Machine {
  readonly deviceFolder: string;
  /** What npm does not carry, and only the image for GPUs has. */
  readonly cudaLibrary: string;
}

/** `nvidia0` and so on by NVIDIA's driver; `dxg` is the way of WSL. */
const DEVICE = /^(nvidia\d+|dxg)$/;

/**
 * Makes sure that the provider has what it needs: a model must not run on a CPU where a GPU was asked and is paid for.
 * Whether driver and CUDA get along is seen when a model is opened, which fails then.
 *
 * @throws ConfigError
 */
export function assertProvider(provider: PipelineOptions["provider"], machine = thisMachine()): void {
  if (provider !== "cuda") return;
  const hasDevice =
    existsSync(machine.deviceFolder) && readdirSync(machine.deviceFolder).some((name) => DEVICE.test(name));
  if (!hasDevice) {
    throw new ConfigError(
      "PROVIDER is cuda and there is no NVIDIA GPU here: choose an instance type with one, run docker with " +
        "--gpus all, or set PROVIDER=cpu.",
    );
  }
  if (!existsSync(machine.cudaLibrary)) {
    throw new ConfigError(
      "PROVIDER is cuda and onnxruntime-node has no CUDA library here: use the image for GPUs, run " +
        "onnxruntime-node's install script, or set PROVIDER=cpu.",
    );
  }
}

function thisMachine(): Machine {
  const runtime = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  const binaries = join(runtime, "bin/napi-v6", process.platform, process.arch);
  return { deviceFolder: "/dev", cudaLibrary: join(binaries, "libonnxruntime_providers_cuda.so") };
}
