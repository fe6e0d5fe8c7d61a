import { gunzipSync } from "node:zlib";
import type { CloudFrontHeaders, CloudFrontRequestEvent, CloudFrontResultResponse } from "aws-lambda";

/** Simulation of CloudFront as a function sees it at the origin request of an S3 origin. */

export const DISTRIBUTION = "d111111abcdef8.cloudfront.net";
export const REQUEST_ID = "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==";

const BODY_BYTES_MAX = 1_048_576;
const RESULT_BYTES_MAX = 1_048_576;
/**
 * Headers that CloudFront refuses: those of "Restrictions on edge functions", with the read-only headers of
 * this event.
 */
const REFUSED = [
  ...["connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"],
  ...["trailer", "upgrade", "x-accel-buffering", "x-accel-redirect", "x-cache", "x-forwarded-proto"],
  ...["x-real-ip", "x-amz-cf-id", "x-amzn-requestid", "x-edge-location"],
  ...["content-length", "transfer-encoding", "via"],
];

type Handler = (event: CloudFrontRequestEvent) => Promise<CloudFrontResultResponse>;
type Change = Partial<CloudFrontRequestEvent["Records"][number]["cf"]["request"]>;

/** Creates the event of a GET of the health check, with the given changes. */
export function originEvent(change: Change = {}): CloudFrontRequestEvent {
  return {
    Records: [
      {
        cf: {
          config: {
            distributionDomainName: DISTRIBUTION,
            distributionId: "EDFDVBD6EXAMPLE",
            eventType: "origin-request",
            requestId: REQUEST_ID,
          },
          request: {
            body: { action: "read-only", data: "", encoding: "base64", inputTruncated: false },
            clientIp: "203.0.113.178",
            headers: {
              accept: [{ key: "accept", value: "*/*" }],
              "accept-encoding": [{ key: "accept-encoding", value: "gzip" }],
              host: [
                { key: "Host", value: "adareel-123456789012-eu-central-1.s3.eu-central-1.amazonaws.com" },
              ],
              "user-agent": [{ key: "User-Agent", value: "curl/8.5.0" }],
              via: [
                { key: "Via", value: "2.0 8f22423015641505b8c857a37450d6c0.cloudfront.net (CloudFront)" },
              ],
              "x-forwarded-for": [{ key: "X-Forwarded-For", value: "203.0.113.178" }],
            },
            method: "GET",
            origin: {
              s3: {
                authMethod: "none",
                customHeaders: {},
                domainName: "adareel-123456789012-eu-central-1.s3.eu-central-1.amazonaws.com",
                path: "",
              },
            },
            querystring: "",
            uri: "/healthz",
            ...change,
          },
        },
      },
    ],
  };
}

/** Converts a request to an event. The body is truncated where CloudFront truncates it. */
export async function eventOf(request: Request): Promise<CloudFrontRequestEvent> {
  const { pathname, search } = new URL(request.url);
  const bytes = Buffer.from(await request.arrayBuffer());
  const headers: CloudFrontHeaders = {};
  for (const [name, value] of request.headers) headers[name] = [{ key: name, value }];
  return originEvent({
    method: request.method,
    uri: pathname,
    querystring: search.slice(1),
    headers,
    body: {
      action: "read-only",
      data: bytes.subarray(0, BODY_BYTES_MAX).toString("base64"),
      encoding: "base64",
      inputTruncated: bytes.length > BODY_BYTES_MAX,
    },
  });
}

/**
 * Converts a result to the response that the viewer gets.
 *
 * @throws Error where CloudFront would answer with 502
 */
export function responseOf({
  status,
  headers = {},
  body,
  bodyEncoding = "text",
}: CloudFrontResultResponse): Response {
  const code = Number(status);
  const isBodiless = code === 204 || code === 304;
  if (isBodiless && body !== undefined) throw new Error(`${status} has a body`);
  for (const name of REFUSED) if (headers[name]) throw new Error(`${name} is not allowed`);
  const bytes = Buffer.from(body ?? "", bodyEncoding === "base64" ? "base64" : "utf8");
  if (bytes.length + JSON.stringify(headers).length > RESULT_BYTES_MAX) throw new Error("over 1 MB");
  const pairs = Object.values(headers).flatMap((values) =>
    values.map(({ key, value }): [string, string] => [key!, value]),
  );
  const isGzip = headers["content-encoding"]?.[0]?.value === "gzip";
  return new Response(isBodiless ? null : isGzip ? gunzipSync(bytes) : bytes, {
    status: code,
    headers: pairs,
  });
}

/** Returns a `fetch` that goes through a function at the edge and does not follow redirects. */
export function fetchThrough(handler: Handler) {
  return async (input: string | URL | Request, init?: RequestInit): Promise<Response> =>
    responseOf(await handler(await eventOf(new Request(input, init))));
}
