import { existsSync } from "node:fs";
import { delimiter, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as z from "zod";
import { countDevices } from "../../lib/generation/accelerator/index.ts";
import { findModel } from "../../lib/generation/pipeline/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";
import { oneOf, parseEnvironment } from "../../lib/shared/environment.ts";
import type { LocalGpuVariables } from "../../lib/shared/variables.ts";
import { type GpuConfig, parseConfig as parseGpuConfig } from "../gpu/config.ts";
import { type LocalConfig, pemOrPath } from "./config.ts";
import { ownEnvironments } from "./workers.ts";

export interface WorkerConfig extends Pick<LocalConfig, "logFormat"> {
  /** Configuration of the GPU processes, but for the GPU of each. */
  readonly gpu: GpuConfig;
  /** Environment of each GPU process, besides that of this one. */
  readonly envs: readonly Partial<LocalGpuVariables>[];
}

export interface WorkerOptions {
  readonly store: string | undefined;
  /** Number of GPU processes; null for one on each GPU. */
  readonly workers: number | null;
}

const ownVariables = z.object({ LOG_FORMAT: oneOf("text", "json").optional() });

/**
 * Parses the configuration of `npm run worker` from its options and environment variables.
 *
 * @param folder base of relative paths
 * @throws UsageError without a store, ConfigError for a variable that is invalid or more workers than GPUs,
 *   RequestError for a model that is not there
 */
export async function parseWorkerConfig(
  { store, workers: asked }: WorkerOptions,
  env: NodeJS.ProcessEnv,
  folder: string,
): Promise<WorkerConfig> {
  const given = {
    // An empty variable counts as unset.
    MODELS: env.MODELS ? modelFolders(env.MODELS, folder) : undefined,
    PROVENANCE_CERTIFICATE: pemOrPath(env.PROVENANCE_CERTIFICATE || undefined, folder),
    PROVENANCE_KEY: pemOrPath(env.PROVENANCE_KEY || undefined, folder),
  };
  const shared = {
    STORE: storeUrl(store ?? env.STORE, folder),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value)),
  };
  const gpu = parseGpuConfig({ ...env, ...shared });
  const { LOG_FORMAT: logFormat = null } = parseEnvironment(ownVariables, env);
  const needs = { provider: gpu.provider, visible: env.CUDA_VISIBLE_DEVICES || null };
  const own = await ownEnvironments({
    workers: asked ?? (await countDevices(needs)),
    provider: needs.provider,
    visibleDevices: needs.visible,
    threads: gpu.pipeline.threads ?? null,
    setting: "--workers",
  });
  return { gpu, logFormat, envs: own.map((each) => ({ ...shared, ...each })) };
}

/** Returns the URL of a store, which may be given as the path of a folder. */
function storeUrl(given: string | undefined, folder: string): string {
  if (!given) throw new UsageError("There is no store: name that of the service, as in --store s3://videos.");
  if (/^(s3|file):\/\/./.test(given)) return given;
  if (!/^[a-z][a-z0-9+.-]*:/i.test(given)) return folderUrl(given, folder);
  throw new UsageError(
    `${JSON.stringify(given)} is not a store: give a folder, s3://bucket or s3://bucket/prefix.`,
  );
}

/** Returns the URL of a folder that is there: a mistyped one would be made, and no job would ever come. */
function folderUrl(given: string, folder: string): string {
  const path = resolve(folder, given);
  if (existsSync(path)) return pathToFileURL(path).href;
  throw new UsageError(`There is no folder ${path}: name that of the service, such as data/store.`);
}

/** Replaces names of models, and paths from `folder`, by their folders. */
function modelFolders(models: string, folder: string): string {
  const found = models.split(delimiter).map((model) => findModel(model, folder));
  return found.join(delimiter);
}
