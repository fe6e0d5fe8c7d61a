import { gpuMemoryBytes } from "../../lib/generation/accelerator/index.ts";
import { type Provider, usesMachineMemory } from "../../lib/generation/onnx/index.ts";
import type { PipelineOptions } from "../../lib/generation/pipeline/index.ts";
import type { GpuConfig } from "./config.ts";
import type { Log } from "./log.ts";
import { fetchModel, type NamedModel } from "./models.ts";
import { type WarmModels, warmModels } from "./warm-models.ts";

/**
 * Brings the configured models to this machine, and checks them.
 *
 * @throws ModelStoreError, StoreError, ChangedFileError, CheckpointError, ConfigError
 */
export async function openModels(
  { models, modelCache, pipeline, stallMs, device }: GpuConfig,
  provider: Provider,
  log: Log,
): Promise<WarmModels> {
  const found: NamedModel[] = [];
  for (const model of models) found.push(await fetchModel(model, { cacheFolder: modelCache, log }));
  const { memoryBytes: given, ...others } = pipeline;
  const options: PipelineOptions = { ...others, provider };
  if (usesMachineMemory(provider)) return warmModels(found, options, { silenceMsMax: stallMs });
  const memoryBytes = given ?? (await gpuMemoryBytes(provider, { device }));
  log.info({ provider, memoryBytes }, "memory of the GPU");
  return warmModels(
    found,
    { ...options, ...(memoryBytes !== null && { memoryBytes }) },
    { silenceMsMax: stallMs },
  );
}
