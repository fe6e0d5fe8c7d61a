import { Readable } from "node:stream";
import { Hono } from "hono";
import { attachment, type ServedStore, type UrlSigner } from "../../lib/service/storage/index.ts";

/**
 * Returns the routes that serve objects by signed URLs, with byte ranges, which players need to seek, and conditions on
 * the ETag, as S3 does. Objects have no date, so conditions on dates do not apply (RFC 9110, section 13.1).
 */
export function fileRoutes(store: ServedStore, signer: UrlSigner) {
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
    const tag = `"${object.etag}"`;
    const validity = { "cache-control": "private, max-age=3600", etag: tag };
    const unmet = unmetCondition(tag, {
      match: c.req.header("if-match"),
      noneMatch: c.req.header("if-none-match"),
    });
    if (unmet !== null) {
      await object.close();
      return c.body(null, unmet, validity);
    }
    const isHead = c.req.method === "HEAD";
    // A range of another version must not be put together with this one, so all of this version is sent.
    const isRangeMeant = !isHead && (c.req.header("if-range") ?? tag) === tag;
    const range = isRangeMeant ? rangeOf(c.req.header("range"), object.sizeBytes) : null;
    const headers = {
      ...validity,
      "content-type": checked.contentType ?? object.contentType,
      "accept-ranges": "bytes",
      // Browsers must not take generated files for anything other than media.
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

/** Returns the status of the answer to a condition that does not hold; null if all hold (RFC 9110, section 13.2.2). */
function unmetCondition(
  tag: string,
  { match, noneMatch }: { readonly match: string | undefined; readonly noneMatch: string | undefined },
): 304 | 412 | null {
  if (match !== undefined && !tagsIn(match).some((each) => each === "*" || each === tag)) return 412;
  const isKnown =
    noneMatch !== undefined &&
    tagsIn(noneMatch).some((each) => each === "*" || each.replace(/^W\//, "") === tag);
  return isKnown ? 304 : null;
}

/** Parses the list of a condition. The tags of the store contain no commas. */
function tagsIn(header: string): string[] {
  return header.split(",").map((each) => each.trim());
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
