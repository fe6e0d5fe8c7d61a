import { isUtf8 } from "node:buffer";
import { STATUS_CODES } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { CloudFrontHeaders, CloudFrontRequestEvent, CloudFrontResultResponse } from "aws-lambda";

/** CloudFront's origin-request events as requests of fetch, and responses of fetch as what CloudFront takes. */

export type OriginRequest = CloudFrontRequestEvent["Records"][number]["cf"];

/** For headers and body together it is "1 MB", and how they are counted is not said. */
const RESULT_BYTES_MAX = 1_000_000;

/** What is shorter is not worth the time. */
const GZIP_BYTES_MIN = 4096;

/**
 * What the viewer asked for, as a server of its own would have got it.
 *
 * @param host what the viewer calls this API; the event's Host is that of the origin
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
  // CloudFront passes on the first megabyte. By its length the app refuses it as any other that is too long.
  if (body.inputTruncated) headers.set("content-length", String(Number.MAX_SAFE_INTEGER));
  const bytes = Buffer.from(body.data, body.encoding === "base64" ? "base64" : "utf8");
  return new Request(url, { method, headers, body: bytes });
}

/** The names are in lower case, and each has a list of values. */
function fetchHeaders(given: CloudFrontHeaders): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(given)) {
    // A header is bytes, which fetch has as Latin-1.
    for (const { value } of values) headers.append(name, Buffer.from(value).toString("latin1"));
  }
  return headers;
}

/**
 * A response as CloudFront sends it on, compressed where that pays and the request allows it; null when it is larger
 * than CloudFront takes.
 */
export async function resultOf(
  response: Response,
  request: Request,
): Promise<CloudFrontResultResponse | null> {
  const { status } = response;
  const headers = new Headers(response.headers);
  // Without, requests that come at once are answered with one answer ("Request collapsing").
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

/** A body of these, even an empty one, is answered with 502. */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);

const TEXT = /^(text\/|image\/svg\+xml|application\/([\w.-]+\+)?(json|javascript|xml)\b)/;

/** The body as CloudFront takes it. Says in `headers` how it was encoded. */
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
      // These are other bytes than the tag was made for.
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

/** CloudFront answers 502 for these, or sets them itself ("Restrictions on edge functions": disallowed, read-only). */
const REFUSED =
  /^(connection|content-length|expect|keep-alive|trailer|transfer-encoding|upgrade|via|x-cache|x-forwarded-proto)$/;
const REFUSED_FAMILY = /^(proxy-|x-accel-|x-amz-cf-|x-amzn-|x-edge-|x-real-)/;

/** Cookies are left out: the API has none, and an answer that sets one is a mistake. */
function cloudFrontHeaders(headers: Headers): CloudFrontHeaders {
  const isSent = (name: string) => name !== "set-cookie" && !REFUSED.test(name) && !REFUSED_FAMILY.test(name);
  const kept = [...headers].filter(([name]) => isSent(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, [{ key: name, value }]]));
}
