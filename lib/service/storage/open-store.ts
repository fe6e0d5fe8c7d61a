import { fileURLToPath } from "node:url";
import type { Sleep } from "../../shared/ports.ts";
import { system } from "../../shared/system.ts";
import type { FileDownloads } from "./file-downloads.ts";
import type { FileUploads } from "./file-uploads.ts";
import type { FolderStoreOptions } from "./folder-store.ts";
import { assertKey, type ServedStore } from "./object-store.ts";
import type { S3StoreOptions } from "./s3-store.ts";

/**
 * Opens the store that `url` names: `s3://bucket` or `s3://bucket/prefix`, with region, endpoint and credentials as the
 * AWS SDK finds them, or a folder as a path or `file:///` URL. Only the code of that store is loaded. A bucket is not
 * contacted yet.
 *
 * @throws RangeError in one sentence if the URL names no store
 * @throws StoreError if a folder cannot be used, or no region is set for a bucket
 *
 * @example
 * const store = await openStore("data/store", { signUrl: (key) => `http://127.0.0.1:3000/files/${key}` });
 * await store.put("notes/a.txt", new TextEncoder().encode("hello"), { ifAbsent: true }); // { ok: true, etag }
 * await store.list("notes/"); // { keys: ["notes/a.txt"], isTruncated: false }
 */
export async function openStore(
  url: string,
  { signUrl }: Pick<FolderStoreOptions, "signUrl">,
): Promise<ServedStore> {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === "s3") {
    const { s3Store } = await import("./s3-store.ts");
    return s3Store(await openBucket(url));
  }
  if (url === "" || (scheme !== undefined && scheme !== "file")) throw wrongUrl(url);
  const { openFolderStore } = await import("./folder-store.ts");
  return openFolderStore(scheme === "file" ? pathOf(url) : url, { signUrl, random: system.random });
}

/**
 * Opens the bucket that `url` names as in {@link openStore}, to upload files of any size.
 *
 * @param options.sleep waits between two tries; its rejection ends the upload
 * @throws RangeError in one sentence if the URL names no bucket
 * @throws StoreError if no region is set
 */
export async function openFileUploads(
  url: string,
  { sleep }: { readonly sleep: Sleep },
): Promise<FileUploads> {
  const bucket = await openBucket(url);
  const { s3Uploads } = await import("./s3-uploads.ts");
  return s3Uploads({ ...bucket, sleep });
}

/** Opens the files below `s3://bucket/prefix/` for download. Errors are those of {@link openFileUploads}. */
export async function openFileDownloads(
  url: string,
  { sleep }: { readonly sleep: Sleep },
): Promise<FileDownloads> {
  const bucket = await openBucket(url);
  const { s3Downloads } = await import("./s3-downloads.ts");
  return s3Downloads({ ...bucket, sleep });
}

async function openBucket(url: string): Promise<S3StoreOptions> {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9._=/-]*?)\/?)?$/i.exec(url);
  if (!match) throw wrongUrl(url);
  const [, bucket, prefix] = match;
  try {
    if (prefix) assertKey(prefix);
  } catch (cause) {
    throw wrongUrl(url, { cause });
  }
  const { s3ClientFromEnvironment } = await import("./s3-store.ts");
  const client = await s3ClientFromEnvironment();
  return { client, bucket: bucket!, prefix: prefix ? `${prefix}/` : "" };
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw wrongUrl(url, { cause });
  }
}

function wrongUrl(url: string, options?: ErrorOptions): RangeError {
  const message = `${JSON.stringify(url)} is not a store: give a folder, file:///folder, s3://bucket or s3://bucket/prefix.`;
  return new RangeError(message, options);
}
