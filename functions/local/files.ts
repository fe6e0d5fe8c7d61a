import { Readable } from "node:stream";
import { Hono } from "hono";
import { attachment, type FolderStore, type UrlSigner } from "../../lib/service/storage/index.ts";

/** Returns the routes that serve objects by signed URLs, with byte ranges, which players need to seek. */
export function fileRoutes(store: FolderStore, signer: UrlSigner) {
  return new Hono().get("/:key{.+}", async (c) => {
    const key = c.req.param("key");
    // S3 refuses a signed URL together with a key, and so it is seen before a deployment.
    if (c.req.header("authorization") !== undefined && c.req.query(REDIRECTED) === undefined)
      return c.text("InvalidArgument: send a signed URL without an Authorization header.\n", 400);
    const checked = signer.verify(key, new URL(c.req.url).searchParams);
    if (!checked.ok) {
      const why =
        checked.reason === "expired" ? "This URL has expired." : "The signature of this URL is wrong.";
      return c.text(`${why}\n`, 403);
    }
    const object = await store.openObject(key);
    if (!object) return c.text("There is no such file.\n", 404);
    const isHead = c.req.method === "HEAD";
    const range = isHead ? null : rangeOf(c.req.header("range"), object.sizeBytes);
    const headers = {
      "content-type": checked.contentType ?? object.contentType,
      "cache-control": "private, max-age=3600",
      "accept-ranges": "bytes",
      etag: `"${object.etag}"`,
      // Browsers must not take generated files for anything other than media.
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; media-src 'self'; img-src 'self'; sandbox",
      "cross-origin-resource-policy": "cross-origin",
      ...(checked.downloadName && { "content-disposition": attachment(checked.downloadName) }),
    };
    if (range === "unsatisfiable") {
      await object.close();
      return c.body(null, 416, { ...headers, "content-range": `bytes */${object.sizeBytes}` });
    }
    const { start, end } = range ?? { start: 0, end: object.sizeBytes - 1 };
    const length = { "content-length": String(end - start + 1) };
    if (isHead) {
      await object.close();
      return c.body(null, 200, { ...headers, ...length });
    }
    const stream = Readable.toWeb(object.stream({ start, end })) as ReadableStream;
    if (!range) return c.body(stream, 200, { ...headers, ...length });
    return c.body(stream, 206, {
      ...headers,
      ...length,
      "content-range": `bytes ${start}-${end}/${object.sizeBytes}`,
    });
  });
}

/** Parameter of URLs to which the API redirected: clients rightly send their key along within one origin. */
const REDIRECTED = "redirected";

/** Marks the redirects of the API that lead to files. */
export function markRedirect(answer: Response, filesUrl: string): Response {
  const location = answer.headers.get("location");
  if (answer.status === 302 && location?.startsWith(filesUrl))
    answer.headers.set("location", `${location}&${REDIRECTED}`);
  return answer;
}

interface ByteRange {
  readonly start: number;
  /** Last byte, included. */
  readonly end: number;
}

/** Parses a `Range` header of one byte range; null for any other, which is ignored (RFC 9110, section 14.2). */
function rangeOf(header: string | undefined, size: number): ByteRange | "unsatisfiable" | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (!first && !last) return null;
  const start = first ? Number(first) : Math.max(0, size - Number(last));
  const end = first && last ? Math.min(Number(last), size - 1) : size - 1;
  return start > end || start >= size ? "unsatisfiable" : { start, end };
}
