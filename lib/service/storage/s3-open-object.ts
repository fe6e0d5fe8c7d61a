import { Readable } from "node:stream";
import { GetObjectCommand, HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { OpenObject } from "./object-store.ts";

/**
 * Opens an object of a bucket. Its bytes pass through this process in pieces, as they are read; a stream fails if the
 * object is replaced before the stream begins.
 *
 * @throws S3ServiceException or a network error, as the client does
 */
export async function openS3Object(
  client: S3Client,
  place: { readonly Bucket: string; readonly Key: string },
): Promise<OpenObject> {
  const { ETag, ContentLength = 0, ContentType } = await client.send(new HeadObjectCommand(place));

  async function* bytesOf(range: { readonly start: number; readonly end: number } | undefined) {
    const part = range && range.end >= range.start ? { Range: `bytes=${range.start}-${range.end}` } : {};
    const { Body } = await client.send(new GetObjectCommand({ ...place, ...part, IfMatch: ETag }));
    yield* Body as AsyncIterable<Uint8Array>;
  }

  return {
    // The marks around it belong to the header, where the server of the files puts them.
    etag: ETag!.replaceAll('"', ""),
    contentType: ContentType ?? "application/octet-stream",
    sizeBytes: ContentLength,
    stream: (range) => Readable.from(bytesOf(range), { objectMode: false }),
    close: async () => undefined,
  };
}
