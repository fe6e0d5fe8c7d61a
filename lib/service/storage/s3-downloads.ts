import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  paginateListObjectsV2,
} from "@aws-sdk/client-s3";
import type { Sleep } from "../../shared/ports.ts";
import { type ByteRange, ChangedFileError, type FileDownloads, type StoredFile } from "./file-downloads.ts";
import { StoreError } from "./object-store.ts";
import { explanation, isMissingObject, type S3StoreOptions } from "./s3-store.ts";

export interface S3DownloadsOptions extends S3StoreOptions {
  /** Between two tries; rejects to end it all. */
  readonly sleep: Sleep;
}

/** On top of the client's own tries. A connection may be away for half a minute. */
const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 16_000];

/** Downloads from a bucket, by ranges of objects. */
export function s3Downloads({ client, bucket, prefix = "", sleep }: S3DownloadsOptions): FileDownloads {
  const place = ({ path }: StoredFile) => ({ Bucket: bucket, Key: prefix + path });

  /** Waits before the next try, or explains why there is none. */
  async function beforeRetry(file: StoredFile, error: unknown, tries: number): Promise<void> {
    if (error instanceof ChangedFileError) throw error;
    if (isMissingObject(error)) throw changed(file);
    const explained = error instanceof StoreError ? error : explanation(bucket, error);
    if (explained.code !== "unavailable" || tries >= WAITS_MS.length) throw explained;
    await sleep(WAITS_MS[tries]!);
  }

  function changed({ path }: StoredFile): ChangedFileError {
    return new ChangedFileError(
      `s3://${bucket}/${prefix}${path} changed while it was downloaded: start again.`,
    );
  }

  async function open(file: StoredFile, { start, end }: ByteRange) {
    const answer = await client.send(
      new GetObjectCommand({ ...place(file), Range: `bytes=${start}-${end}` }),
    );
    const body = answer.Body as AsyncIterable<Uint8Array> & { destroy(): void };
    const fault = faultOf(answer, file, end - start + 1);
    if (!fault) return body;
    body.destroy();
    throw fault;
  }

  /** The tag is compared here, since servers exist that do not look at `If-Match`. */
  function faultOf(answer: GetObjectCommandOutput, file: StoredFile, byteCount: number): Error | null {
    if (answer.ETag !== file.etag) return changed(file);
    if (answer.ContentLength === byteCount) return null;
    return new StoreError("denied", `The server of the bucket ${bucket} does not give ranges of objects.`);
  }

  return {
    async list() {
      const files: StoredFile[] = [];
      try {
        for await (const { Contents = [] } of paginateListObjectsV2(
          { client },
          { Bucket: bucket, Prefix: prefix },
        ))
          for (const { Key, Size, ETag } of Contents)
            files.push({ path: Key!.slice(prefix.length), sizeBytes: Size!, etag: ETag! });
      } catch (error) {
        throw explanation(bucket, error);
      }
      return files;
    },

    async sha256(file) {
      for (let tries = 0; ; tries += 1) {
        try {
          const { ETag, Metadata } = await client.send(new HeadObjectCommand(place(file)));
          if (ETag !== file.etag) throw changed(file);
          return Metadata?.sha256 ?? null;
        } catch (error) {
          await beforeRetry(file, error, tries);
        }
      }
    },

    async *read(file, { start, end }) {
      let next = start;
      for (let tries = 0; next <= end; tries += 1) {
        try {
          for await (const bytes of await open(file, { start: next, end })) {
            next += bytes.length;
            tries = 0;
            yield bytes;
          }
          // An end that came early and looked like one is a broken connection too.
          if (next <= end) throw new Error("the connection ended early");
        } catch (error) {
          await beforeRetry(file, error, tries);
        }
      }
    },
  };
}
