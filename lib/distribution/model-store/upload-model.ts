import { join } from "node:path";
import {
  assertKey,
  digestFile,
  everyKey,
  type FileUpload,
  type FileUploads,
} from "../../service/storage/index.ts";
import { type ModelCard, modelPrefix, readModelCard, writeModelCard } from "./model-card.ts";
import { type ModelFiles, modelFiles } from "./model-files.ts";

export interface UploadProgress {
  /** Files are read once for what they are, and once more to be sent. */
  readonly stage: "read" | "send";
  /** Read, or need not be sent any more. */
  readonly doneBytes: number;
  /** Of those, the ones that were not there already. */
  readonly sentBytes: number;
  readonly totalBytes: number;
}

export interface ModelUpload {
  readonly folder: string;
  /** What the folder holds, checked by whoever knows models. */
  readonly model: Omit<ModelCard, "bytes">;
  readonly uploads: FileUploads;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: UploadProgress) => void;
}

export type UploadedModel =
  | {
      readonly ok: true;
      readonly card: ModelCard;
      readonly sentBytes: number;
      /** What was left out. */
      readonly foreign: ModelFiles["foreign"];
    }
  /** The name is another model's, and instances that run must not see their weights change. */
  | { readonly ok: false; readonly current: ModelCard };

/**
 * Stores a model's files, and its card once they are all there and nothing else is. A repetition goes on where this
 * ended.
 *
 * @throws ModelStoreError, LocalFileError, StoreError, or what `signal` was aborted with
 */
export async function uploadModel(upload: ModelUpload): Promise<UploadedModel> {
  const { folder, model, uploads, signal, onProgress } = upload;
  const { store } = uploads;
  const current = await otherModel();
  if (current) return { ok: false, current };
  const { files, foreign } = await modelFiles(folder);
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

  let readBytes = 0;
  const sent: FileUpload[] = [];
  for (const { path } of files) {
    const onBytes = (byteCount: number) => {
      readBytes += byteCount;
      onProgress({ stage: "read", doneBytes: readBytes, sentBytes: 0, totalBytes });
    };
    const file = await digestFile(join(folder, path), { signal, onBytes });
    sent.push({ key: modelPrefix(model.name) + path, contentType: contentTypeOf(path), file });
  }
  let [doneBytes, sentBytes] = [0, 0];
  await uploads.upload(sent, {
    signal,
    onBytes(byteCount, from) {
      doneBytes += byteCount;
      if (from === "sent") sentBytes += byteCount;
      onProgress({ stage: "send", doneBytes, sentBytes, totalBytes });
    },
  });
  await removeOthers(new Set(sent.map(({ key }) => key)));

  const overtaken = await otherModel();
  if (overtaken) return { ok: false, current: overtaken };
  const card = { ...model, bytes: totalBytes };
  await writeModelCard(store, card);
  return { ok: true, card, sentBytes, foreign };

  async function otherModel(): Promise<ModelCard | null> {
    const card = await readModelCard(store, model.name);
    return card && card.fingerprint !== model.fingerprint ? card : null;
  }

  /** An upload of another folder that was given up may have left weights that would be taken for this model's. */
  async function removeOthers(keys: ReadonlySet<string>): Promise<void> {
    for await (const key of everyKey(store, modelPrefix(model.name)))
      if (!keys.has(key) && isOurs(key)) await store.delete(key);
  }
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  json: "application/json",
  md: "text/markdown; charset=utf-8",
  txt: "text/plain; charset=utf-8",
};

function contentTypeOf(path: string): string {
  return CONTENT_TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
}

/** The console marks a folder by a key that no push makes. */
function isOurs(key: string): boolean {
  try {
    assertKey(key);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
