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
  /** Stage of the upload: files are read once for their checksums, and a second time to be sent. */
  readonly stage: "read" | "send";
  /** Bytes read, or bytes that are in the store. */
  readonly doneBytes: number;
  /** Bytes sent now, because they were not in the store. */
  readonly sentBytes: number;
  readonly totalBytes: number;
}

export interface ModelUpload {
  readonly folder: string;
  /** Model in the folder, checked by the caller. */
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
      /** Files that were left out. */
      readonly foreign: ModelFiles["foreign"];
    }
  /** The name belongs to another model. It is not replaced: running instances must not see their weights change. */
  | { readonly ok: false; readonly current: ModelCard };

/**
 * Uploads a model's files, removes other files under its prefix, and writes its card last. A second call
 * continues an interrupted upload.
 *
 * @throws ModelStoreError, LocalFileError, StoreError, or the reason with which `signal` was aborted
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

  /** Removes files of an abandoned upload of another folder, which would be taken for weights of this model. */
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

/** Returns true if a push may have written the key; the S3 console marks folders by keys that no push writes. */
function isOurs(key: string): boolean {
  try {
    assertKey(key);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
