import type { NvidiaGpu } from "../../lib/generation/accelerator/index.ts";
import { type Provider, usesMachineMemory } from "../../lib/generation/onnx/index.ts";
import type { PipelineOptions } from "../../lib/generation/pipeline/index.ts";
import type { GpuConfig } from "./config.ts";
import type { Log } from "./log.ts";
import { fetchModel, type NamedModel } from "./models.ts";
import { type WarmModels, warmModels } from "./warm-models.ts";

export interface OpenModelsDeps {
  readonly provider: Provider;
  /** GPU of this worker; null if nothing is known of it. */
  readonly gpu: NvidiaGpu | null;
  readonly log: Log;
}

/**
 * Brings the configured models to this machine, and checks them.
 *
 * @throws ModelStoreError, StoreError, ChangedFileError, CheckpointError, ConfigError
 */
export async function openModels(
  { models, modelCache, pipeline, stallMs }: GpuConfig,
  { provider, gpu, log }: OpenModelsDeps,
): Promise<WarmModels> {
  const found: NamedModel[] = [];
  for (const model of models) found.push(await fetchModel(model, { cacheFolder: modelCache, log }));
  const { memoryBytes: given, ...others } = pipeline;
  const options: PipelineOptions = { ...others, provider };
  if (usesMachineMemory(provider)) return warmModels(found, options, { silenceMsMax: stallMs });
  const memoryBytes = given ?? gpu?.memoryBytes ?? null;
  log.info({ provider, gpu: gpu?.name, memoryBytes }, "memory of the GPU");
  return warmModels(
    found,
    { ...options, ...(memoryBytes !== null && { memoryBytes }) },
    { silenceMsMax: stallMs },
  );
}
