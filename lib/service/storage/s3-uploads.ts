import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type Part,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { Sleep } from "../../shared/ports.ts";
import { retry } from "../../shared/retry.ts";
import { readPart, withFile } from "./file-digest.ts";
import type { FileUpload, FileUploads, UploadOptions } from "./file-uploads.ts";
import { inLanes } from "./lanes.ts";
import { assertKey, StoreError } from "./object-store.ts";
import { explanation, isMissingObject, type S3StoreOptions, s3Store } from "./s3-store.ts";

export interface S3UploadsOptions extends S3StoreOptions {
  /** Waits between two tries. Its rejection ends the upload. */
  readonly sleep: Sleep;
}

interface Request {
  readonly abortSignal: AbortSignal;
}

/** Number of concurrent requests. Each holds a part in memory. */
const LANES = 6;
/** Waits between tries, each of which includes the client's own tries. A connection may be down for half a minute. */
const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 16_000];

/** Opens a bucket for uploads. Small files are sent in one request, larger files in parts of at least 16 MiB. */
export function s3Uploads(options: S3UploadsOptions): FileUploads {
  const { client, bucket, prefix = "", sleep } = options;
  const place = (key: string) => ({ Bucket: bucket, Key: prefix + key });

  /** Makes a request, retries errors that may pass, and turns all others into StoreErrors. */
  function patiently<T>(signal: AbortSignal, operation: (request: Request) => Promise<T>): Promise<T> {
    const explained = () =>
      abortable(signal, operation).catch((error: unknown) => {
        signal.throwIfAborted();
        throw explanation(bucket, error);
      });
    return retry(explained, { waits: WAITS_MS, sleep, isRetryable: mayPass });
  }

  async function upload(file: FileUpload, { signal, onBytes }: UploadOptions): Promise<void> {
    assertKey(file.key);
    const isStored = () => patiently(signal, (request) => hasStored(file, request));
    if (await isStored()) return onBytes(file.file.sizeBytes, "present");
    // A continued upload keeps the metadata with which it began, which can be checked only once it is complete.
    for (let tries = 0; tries < 2; tries += 1) {
      if (file.file.partSha256.length === 1) await putWhole(file, { signal, onBytes });
      else await putParts(file, { signal, onBytes: tries === 0 ? onBytes : () => undefined });
      if (await isStored()) return;
    }
    throw new StoreError(
      "unavailable",
      `The bucket ${bucket} does not keep ${file.key} as it was sent; push again.`,
    );
  }

  async function hasStored({ key, file }: FileUpload, request: Request) {
    try {
      const { ContentLength, Metadata } = await client.send(new HeadObjectCommand(place(key)), request);
      return ContentLength === file.sizeBytes && Metadata?.sha256 === file.sha256;
    } catch (error) {
      if (isMissingObject(error)) return false;
      throw error;
    }
  }

  async function putWhole(upload: FileUpload, { signal, onBytes }: UploadOptions): Promise<void> {
    const { file } = upload;
    const body = await withFile(file.path, (handle) => readPart(handle, file, 0));
    const command = { ...described(upload), Body: body, ChecksumSHA256: file.partSha256[0] };
    await patiently(signal, (request) => client.send(new PutObjectCommand(command), request));
    onBytes(body.length, "sent");
  }

  async function putParts(upload: FileUpload, { signal, onBytes }: UploadOptions): Promise<void> {
    const { key, file } = upload;
    const { id, parts } =
      (await patiently(signal, (request) => begunUpload(upload, request))) ??
      (await patiently(signal, (request) => newUpload(upload, request)));
    for (const part of parts.values()) onBytes(part.Size!, "present");
    const missing = file.partSha256.map((_, index) => index).filter((index) => !parts.has(index + 1));
    await withFile(file.path, (handle) =>
      inLanes(missing, LANES, async (index) => {
        const body = await readPart(handle, file, index);
        const PartNumber = index + 1;
        const ChecksumSHA256 = file.partSha256[index]!;
        const command = { ...place(key), UploadId: id, PartNumber, Body: body, ChecksumSHA256 };
        const { ETag } = await patiently(signal, (request) =>
          client.send(new UploadPartCommand(command), request),
        );
        parts.set(PartNumber, { PartNumber, ETag: ETag!, ChecksumSHA256 });
        onBytes(body.length, "sent");
      }),
    );
    const Parts = [...parts.values()]
      .sort((a, b) => a.PartNumber! - b.PartNumber!)
      .map(({ PartNumber, ETag, ChecksumSHA256 }) => ({ PartNumber, ETag, ChecksumSHA256 }));
    const command = { ...place(key), UploadId: id, MultipartUpload: { Parts } };
    await patiently(signal, async (request) => {
      try {
        await client.send(new CompleteMultipartUploadCommand(command), request);
      } catch (error) {
        // The upload is gone if an answer was lost, or if it was completed elsewhere. The caller checks what is stored.
        if (!isGone(error)) throw error;
      }
    });
  }

  async function newUpload(upload: FileUpload, request: Request) {
    const command = { ...described(upload), ChecksumAlgorithm: "SHA256" as const };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(command), request);
    return { id: UploadId!, parts: new Map<number, Part>() };
  }

  /** Finds an interrupted upload of this file, with its parts. Uploads of other contents to the key are aborted. */
  async function begunUpload({ key, file }: FileUpload, request: Request) {
    const { Bucket, Key } = place(key);
    const listed = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }), request);
    let begun: { id: string; parts: Map<number, Part> } | null = null;
    for (const { UploadId } of (listed.Uploads ?? []).filter((upload) => upload.Key === Key)) {
      const parts = await sentParts({ Bucket, Key, UploadId: UploadId! }, request);
      const isOurs = [...parts.values()].every(
        ({ PartNumber, ChecksumSHA256 }) =>
          // Parts cannot be recognised on servers that return no checksums.
          ChecksumSHA256 !== undefined && ChecksumSHA256 === file.partSha256[PartNumber! - 1],
      );
      if (isOurs && begun === null) begun = { id: UploadId!, parts };
      else await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }), request);
    }
    return begun;
  }

  /** Lists the parts that were sent. The SDK's paginator would not end on servers that name a page after the last. */
  async function sentParts(
    upload: { Bucket: string; Key: string; UploadId: string },
    request: Request,
  ): Promise<Map<number, Part>> {
    const parts = new Map<number, Part>();
    let marker: string | undefined;
    do {
      const after = marker === undefined ? {} : { PartNumberMarker: marker };
      const page = await client.send(new ListPartsCommand({ ...upload, ...after }), request);
      for (const part of page.Parts ?? []) parts.set(part.PartNumber!, part);
      marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    } while (marker !== undefined);
    return parts;
  }

  function described({ key, contentType, file }: FileUpload) {
    return { ...place(key), ContentType: contentType, Metadata: { sha256: file.sha256 } };
  }

  return {
    store: s3Store(options),
    async upload(uploads, uploadOptions) {
      const small = uploads.filter(({ file }) => file.partSha256.length === 1);
      const large = uploads.filter(({ file }) => file.partSha256.length > 1);
      await inLanes(small, LANES, (file) => upload(file, uploadOptions));
      for (const file of large) await upload(file, uploadOptions);
    },
  };
}

/** Gives each request its own signal: the client never removes its listeners, and an upload has many requests. */
async function abortable<T>(signal: AbortSignal, operation: (request: Request) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const abort = () => own.abort(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener("abort", abort);
  try {
    return await operation({ abortSignal: own.signal });
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function mayPass(error: unknown): boolean {
  return error instanceof StoreError && error.code === "unavailable" && !isGone(error.cause);
}

/** Returns whether an upload was completed or aborted, by another process or by a rule of the bucket. */
function isGone(error: unknown): boolean {
  return (error as Error).name === "NoSuchUpload";
}
