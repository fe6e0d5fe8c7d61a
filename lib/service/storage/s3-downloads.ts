import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  paginateListObjectsV2,
} from "@aws-sdk/client-s3";
import type { Sleep } from "../../shared/ports.ts";
import { retry, Tries } from "../../shared/retry.ts";
import { type ByteRange, ChangedFileError, type FileDownloads, type StoredFile } from "./file-downloads.ts";
import { StoreError } from "./object-store.ts";
import { explanation, isMissingObject, type S3StoreOptions } from "./s3-store.ts";

export interface S3DownloadsOptions extends S3StoreOptions {
  /** Waits between two tries. Its rejection ends the download. */
  readonly sleep: Sleep;
}

/** Waits between tries, each of which includes the client's own tries. A connection may be down for half a minute. */
const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 16_000];

/** Opens a bucket for downloads of ranges of objects. */
export function s3Downloads({ client, bucket, prefix = "", sleep }: S3DownloadsOptions): FileDownloads {
  const place = ({ path }: StoredFile) => ({ Bucket: bucket, Key: prefix + path });

  const retrying = {
    waits: WAITS_MS,
    sleep,
    isRetryable: (error: unknown) => error instanceof StoreError && error.code === "unavailable",
  };

  function explained(file: StoredFile, error: unknown): Error {
    if (error instanceof ChangedFileError || error instanceof StoreError) return error;
    return isMissingObject(error) ? changed(file) : explanation(bucket, error);
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

  /** Checks an answer. The ETag is compared here, because some servers ignore `If-Match`. */
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

    sha256(file) {
      return retry(async () => {
        try {
          const { ETag, Metadata } = await client.send(new HeadObjectCommand(place(file)));
          if (ETag !== file.etag) throw changed(file);
          return Metadata?.sha256 ?? null;
        } catch (error) {
          throw explained(file, error);
        }
      }, retrying);
    },

    async *read(file, { start, end }) {
      let next = start;
      const tries = new Tries(retrying);
      while (next <= end) {
        try {
          for await (const bytes of await open(file, { start: next, end })) {
            next += bytes.length;
            tries.restart();
            yield bytes;
          }
          // A stream that ended too early without an error is a broken connection too.
          if (next <= end) throw new Error("the connection ended early");
        } catch (error) {
          await tries.failed(explained(file, error));
        }
      }
    },
  };
}
