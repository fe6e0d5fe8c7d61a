import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type DownloadProgress, downloadModel } from "../../lib/distribution/model-store/index.ts";
import { modelNameOf, snapshotOf } from "../../lib/generation/checkpoint/index.ts";
import { openFileDownloads } from "../../lib/service/storage/index.ts";
import type { Log } from "./log.ts";

/** Model on this machine, with its name in jobs. */
export interface NamedModel {
  readonly name: string;
  readonly folder: string;
}

/** Model in a bucket: `s3://bucket/models/<name>/`. */
export interface RemoteModel {
  readonly name: string;
  readonly url: string;
}

const DEMO_MODEL = fileURLToPath(new URL("../../models/demo", import.meta.url));
const LOG_INTERVAL_MS = 10_000;

/** Names a model after its folder. */
export function namedByFolder(folder: string): NamedModel {
  const snapshot = snapshotOf(folder);
  return { name: modelNameOf(resolve(snapshot)), folder: snapshot };
}

/**
 * Chooses the models: those in `folders`; else the model at `url`, which is in `mounted` if SageMaker has put it there
 * and is downloaded otherwise; else the model in `mounted`; else the demo model.
 */
export function chooseModels({
  folders,
  url,
  mounted,
}: {
  readonly folders: readonly string[] | undefined;
  readonly url: string | undefined;
  readonly mounted: string;
}): readonly (NamedModel | RemoteModel)[] {
  if (folders) return folders.map(namedByFolder);
  const isMounted = existsSync(mounted) && readdirSync(mounted).length > 0;
  if (url === undefined) return [namedByFolder(isMounted ? mounted : DEMO_MODEL)];
  const name = basename(url);
  return [isMounted ? { name, folder: mounted } : { name, url }];
}

/**
 * Returns the model on this machine, downloaded if necessary.
 *
 * @throws ModelStoreError, StoreError, ChangedFileError
 */
export async function fetchModel(
  model: NamedModel | RemoteModel,
  { cacheFolder, log }: { readonly cacheFolder: string; readonly log: Log },
): Promise<NamedModel> {
  if ("folder" in model) return model;
  const { name, url } = model;
  const downloads = await openFileDownloads(url, { sleep });
  const startedAt = performance.now();
  let loggedAt = startedAt;
  let latest: DownloadProgress | null = null;
  const tell = (message: string) =>
    log.info({ name, ...latest, seconds: (performance.now() - startedAt) / 1000 }, message);
  const folder = await downloadModel({
    name,
    downloads,
    cacheFolder,
    onProgress(progress) {
      latest = progress;
      if (performance.now() - loggedAt < LOG_INTERVAL_MS) return;
      loggedAt = performance.now();
      tell("downloading the model");
    },
  });
  tell("the model is downloaded");
  return { name, folder };
}

/** Default folder for downloaded models. */
export const DEFAULT_CACHE = join(tmpdir(), "adareel-models");
