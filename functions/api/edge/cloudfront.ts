import { isUtf8 } from "node:buffer";
import { STATUS_CODES } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { CloudFrontHeaders, CloudFrontRequestEvent, CloudFrontResultResponse } from "aws-lambda";

/**
 * Conversion of CloudFront's origin-request events to fetch requests, and of fetch responses to CloudFront's
 * results.
 */

export type OriginRequest = CloudFrontRequestEvent["Records"][number]["cf"];

/**
 * Maximum size of a result. CloudFront allows "1 MB" for headers and body together, and does not say how it
 * counts.
 */
const RESULT_BYTES_MAX = 1_000_000;

/** Minimum size of a body that is worth the time to compress. */
const GZIP_BYTES_MIN = 4096;

/**
 * Converts an event to the request that a server would have received.
 *
 * @param host  host name by which viewers call the API; the event's Host is that of the origin
 */
export function requestOf({ config, request }: OriginRequest, host: string): Request {
  const { method, uri, querystring, body } = request;
  const url = new URL(`https://${host}`);
  url.pathname = uri;
  if (querystring) url.search = `?${querystring}`;
  const headers = fetchHeaders(request.headers);
  headers.set("host", host);
  if (!headers.has("x-request-id")) headers.set("x-request-id", config.requestId);
  if (!body || method === "GET" || method === "HEAD") return new Request(url, { method, headers });
  // CloudFront passes on the first megabyte only. With this length the app refuses the body as too large.
  if (body.inputTruncated) headers.set("content-length", String(Number.MAX_SAFE_INTEGER));
  const bytes = Buffer.from(body.data, body.encoding === "base64" ? "base64" : "utf8");
  return new Request(url, { method, headers, body: bytes });
}

/** Converts headers; CloudFront's names are in lower case, each with a list of values. */
function fetchHeaders(given: CloudFrontHeaders): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(given)) {
    // Header values are bytes, which fetch represents as Latin-1.
    for (const { value } of values) headers.append(name, Buffer.from(value).toString("latin1"));
  }
  return headers;
}

/**
 * Converts a response to a CloudFront result. A long text is compressed if the request accepts gzip. Resolves to
 * null if the result is larger than CloudFront allows.
 */
export async function resultOf(
  response: Response,
  request: Request,
): Promise<CloudFrontResultResponse | null> {
  const { status } = response;
  const headers = new Headers(response.headers);
  // Without this header CloudFront may give concurrent requests the same answer ("Request collapsing").
  if (!headers.has("cache-control")) headers.set("cache-control", "no-cache");
  const bytes = Buffer.from(await response.arrayBuffer());
  const content =
    bytes.length > 0 && !BODILESS.has(status) ? await contentOf(bytes, headers, request.headers) : {};
  const result = {
    status: String(status),
    statusDescription: STATUS_CODES[status] ?? "",
    headers: cloudFrontHeaders(headers),
    ...content,
  };
  return Buffer.byteLength(JSON.stringify(result)) > RESULT_BYTES_MAX ? null : result;
}

/** Statuses for which CloudFront answers 502 if there is a body, even an empty one. */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);

const TEXT = /^(text\/|image\/svg\+xml|application\/([\w.-]+\+)?(json|javascript|xml)\b)/;

/** Encodes the body for CloudFront, and sets `content-encoding` and related headers. */
async function contentOf(
  bytes: Buffer,
  headers: Headers,
  asked: Headers,
): Promise<Pick<CloudFrontResultResponse, "body" | "bodyEncoding">> {
  const isText = TEXT.test(headers.get("content-type") ?? "") && !headers.has("content-encoding");
  if (isText && bytes.length >= GZIP_BYTES_MIN) {
    headers.append("vary", "accept-encoding");
    if (acceptsGzip(asked)) {
      headers.set("content-encoding", "gzip");
      const tag = headers.get("etag");
      // The tag describes the uncompressed bytes, so it is only a weak validator of the compressed ones.
      if (tag && !tag.startsWith("W/")) headers.set("etag", `W/${tag}`);
      return { bodyEncoding: "base64", body: (await promisify(gzip)(bytes)).toString("base64") };
    }
  }
  return isText && isUtf8(bytes)
    ? { bodyEncoding: "text", body: bytes.toString("utf8") }
    : { bodyEncoding: "base64", body: bytes.toString("base64") };
}

function acceptsGzip(headers: Headers): boolean {
  const codings = (headers.get("accept-encoding") ?? "").toLowerCase().split(",");
  return codings.some((coding) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$)|$)/.test(coding));
}

/**
 * Headers that CloudFront sets itself, or for which it answers 502 ("Restrictions on edge functions": disallowed,
 * read-only).
 */
const REFUSED =
  /^(connection|content-length|expect|keep-alive|trailer|transfer-encoding|upgrade|via|x-cache|x-forwarded-proto)$/;
const REFUSED_FAMILY = /^(proxy-|x-accel-|x-amz-cf-|x-amzn-|x-edge-|x-real-)/;

/** Converts headers for CloudFront. Cookies are dropped: the API has none, so setting one would be a bug. */
function cloudFrontHeaders(headers: Headers): CloudFrontHeaders {
  const isSent = (name: string) => name !== "set-cookie" && !REFUSED.test(name) && !REFUSED_FAMILY.test(name);
  const kept = [...headers].filter(([name]) => isSent(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, [{ key: name, value }]]));
}
