import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { type Answer, element, failure, xml } from "./s3-answer.ts";

export interface StubObject {
  readonly body: Buffer;
  readonly etag: string;
  readonly contentType: string;
  /** Values of the x-amz-meta-… headers, without that prefix. */
  readonly metadata: Readonly<Record<string, string>>;
}

interface Upload {
  readonly key: string;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly parts: Map<number, { readonly body: Buffer; readonly etag: string; readonly checksum: string }>;
}

/** Request as received. */
export interface StubRequest {
  /** Name of the S3 operation, such as `PutObject`. */
  readonly operation: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
}

/** Error sent instead of the answer, or number of body bytes after which the connection breaks. */
export type Fault = { readonly status: number; readonly code: string } | { readonly breakAfterBytes: number };

export interface S3StubOptions {
  /** Existing buckets; by default every name exists. */
  readonly buckets?: readonly string[];
  /** Called and awaited before each request is handled. */
  readonly fault?: (request: StubRequest) => Fault | undefined | Promise<Fault | undefined>;
  /** Called for each object that was put, with `bucket/key`. */
  readonly onPut?: (place: string) => void;
}

export interface S3Stub {
  readonly url: string;
  /** Environment variables that point a process or client to the stub; credentials are not checked. */
  readonly env: Readonly<Record<string, string>>;
  /** Objects by `bucket/key`. */
  readonly objects: Map<string, StubObject>;
  /** Unfinished multipart uploads, by id. */
  readonly uploads: ReadonlyMap<string, Upload>;
  /** Requests in order of arrival, including those with a fault. */
  readonly requests: readonly StubRequest[];
  /** Counts the requests of an operation. */
  count(operation: string): number;
  close(): Promise<void>;
}

/**
 * Starts a stub of the part of S3 that this repository uses, in memory, with path-style addresses: objects
 * with metadata, conditions and ranges, listings (version 2), and multipart uploads whose parts have SHA-256
 * checksums. Signatures are not checked. tools/s3-servers.sh tests real S3 servers.
 */
export async function startS3Stub({ buckets, fault, onPut }: S3StubOptions = {}): Promise<S3Stub> {
  const objects = new Map<string, StubObject>();
  const uploads = new Map<string, Upload>();
  const requests: StubRequest[] = [];

  const server = createServer((request, response) => {
    handle(request, response).catch((error: Error) => {
      // The client left, or a fault broke the connection.
      if (!request.destroyed) response.writeHead(500).end(error.message);
    });
  });

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(incoming.url!, "http://localhost");
    const [, bucket = "", ...rest] = pathname.split("/").map(decodeURIComponent);
    const key = rest.join("/");
    const operation = operationOf(incoming.method!, key, query, incoming.headers);
    const request = { operation, key, query, headers: incoming.headers };
    requests.push(request);
    const wrong = await fault?.(request);
    if (wrong && "status" in wrong) {
      incoming.resume();
      return send(response, failure(wrong.status, wrong.code), incoming.method!);
    }
    const hasBody = incoming.method === "PUT" || incoming.method === "POST";
    if (wrong && hasBody) return breakAfter(incoming, wrong.breakAfterBytes);
    const body = await buffer(incoming);
    const answer =
      buckets && !buckets.includes(bucket)
        ? failure(404, "NoSuchBucket")
        : answerTo(request, `${bucket}/${key}`, body);
    send(response, answer, incoming.method!, wrong?.breakAfterBytes);
  }

  function answerTo({ operation, query, headers }: StubRequest, place: string, body: Buffer): Answer {
    const object = objects.get(place);
    const upload = uploads.get(query.get("uploadId") ?? "");
    switch (operation) {
      case "PutObject": {
        const condition = failedCondition(headers, object);
        if (condition) return condition;
        if (!hasDeclaredChecksum(headers, body)) return failure(400, "BadDigest");
        const stored = { body, etag: etagOf(body), ...described(headers) };
        objects.set(place, stored);
        onPut?.(place);
        return { status: 200, headers: { etag: stored.etag } };
      }
      case "GetObject":
      case "HeadObject":
        return object ? served(object, headers.range) : failure(404, "NoSuchKey");
      case "DeleteObject":
        if (object && headers["if-match"] && headers["if-match"] !== object.etag)
          return failure(412, "PreconditionFailed");
        objects.delete(place);
        return { status: 204 };
      case "CreateBucket":
      case "HeadBucket":
        return { status: 200 };
      case "ListObjectsV2":
        return listing(place, query);
      case "CreateMultipartUpload": {
        const id = randomUUID();
        const [, key] = /^[^/]*\/(.*)$/s.exec(place)!;
        uploads.set(id, { key: key!, ...described(headers), parts: new Map() });
        return xml("InitiateMultipartUploadResult", element("UploadId", id));
      }
      case "ListMultipartUploads": {
        const prefix = query.get("prefix") ?? "";
        const found = [...uploads].filter(([, { key }]) => key.startsWith(prefix));
        return xml(
          "ListMultipartUploadsResult",
          found.map(([id, { key }]) => `<Upload>${element("Key", key)}${element("UploadId", id)}</Upload>`),
        );
      }
      case "UploadPart": {
        if (!upload) return failure(404, "NoSuchUpload");
        if (!hasDeclaredChecksum(headers, body)) return failure(400, "BadDigest");
        const etag = etagOf(body);
        upload.parts.set(Number(query.get("partNumber")), { body, etag, checksum: sha256(body) });
        return { status: 200, headers: { etag, "x-amz-checksum-sha256": sha256(body) } };
      }
      case "ListParts": {
        if (!upload) return failure(404, "NoSuchUpload");
        return partListing(upload, query);
      }
      case "CompleteMultipartUpload": {
        if (!upload) return failure(404, "NoSuchUpload");
        const numbers = [...body.toString().matchAll(/<PartNumber>(\d+)</g)].map(([, number]) =>
          Number(number),
        );
        const parts = numbers.map((number) => upload.parts.get(number));
        const isInOrder = numbers.every((number, index) => index === 0 || number > numbers[index - 1]!);
        if (!isInOrder || numbers.length === 0 || parts.includes(undefined))
          return failure(400, "InvalidPart");
        const joined = Buffer.concat(parts.map((part) => part!.body));
        const { contentType, metadata } = upload;
        const etag = etagOf(Buffer.from(parts.map((part) => part!.etag).join())).replace(
          /"$/,
          `-${numbers.length}"`,
        );
        objects.set(place, { body: joined, etag, contentType, metadata });
        uploads.delete(query.get("uploadId")!);
        return xml("CompleteMultipartUploadResult", element("ETag", etag));
      }
      case "AbortMultipartUpload":
        return uploads.delete(query.get("uploadId")!) ? { status: 204 } : failure(404, "NoSuchUpload");
      default:
        return failure(501, "NotImplemented");
    }
  }

  function listing(place: string, query: URLSearchParams): Answer {
    const start = query.get("continuation-token") ?? query.get("start-after") ?? "";
    const limit = Number(query.get("max-keys") ?? 1000);
    const bucket = place.slice(0, place.indexOf("/") + 1);
    const found = [...objects.keys()]
      .filter((name) => name.startsWith(bucket + (query.get("prefix") ?? "")))
      .map((name) => name.slice(bucket.length))
      .filter((key) => key > start)
      .sort();
    const page = found.slice(0, limit);
    const isTruncated = found.length > limit;
    return xml("ListBucketResult", [
      element("IsTruncated", String(isTruncated)),
      ...(isTruncated ? [element("NextContinuationToken", page.at(-1)!)] : []),
      ...page.map((key) => {
        const { body, etag } = objects.get(bucket + key)!;
        const size = element("Size", String(body.length));
        return `<Contents>${element("Key", key)}${element("ETag", etag)}${size}</Contents>`;
      }),
    ]);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    env: {
      AWS_ENDPOINT_URL_S3: url,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "stub",
      AWS_SECRET_ACCESS_KEY: "stub",
      AWS_EC2_METADATA_DISABLED: "true",
    },
    objects,
    uploads,
    requests,
    count: (operation) => requests.filter((request) => request.operation === operation).length,
    async close() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

function operationOf(
  method: string,
  key: string,
  query: URLSearchParams,
  headers: IncomingMessage["headers"],
): string {
  if (key === "") {
    if (method === "GET") return query.has("uploads") ? "ListMultipartUploads" : "ListObjectsV2";
    return { PUT: "CreateBucket", HEAD: "HeadBucket" }[method] ?? method;
  }
  if (query.has("uploads")) return "CreateMultipartUpload";
  const isPart = query.has("uploadId");
  if (headers["x-amz-copy-source"]) return isPart ? "UploadPartCopy" : "CopyObject";
  const names = isPart
    ? {
        PUT: "UploadPart",
        GET: "ListParts",
        POST: "CompleteMultipartUpload",
        DELETE: "AbortMultipartUpload",
      }
    : { PUT: "PutObject", GET: "GetObject", HEAD: "HeadObject", DELETE: "DeleteObject" };
  return (names as Record<string, string>)[method] ?? method;
}

function failedCondition(headers: IncomingMessage["headers"], object?: StubObject): Answer | null {
  if (headers["if-none-match"] === "*" && object) return failure(412, "PreconditionFailed");
  const tag = headers["if-match"];
  if (tag === undefined) return null;
  if (!object) return failure(404, "NoSuchKey");
  return tag === object.etag ? null : failure(412, "PreconditionFailed");
}

function described(headers: IncomingMessage["headers"]): Pick<StubObject, "contentType" | "metadata"> {
  const metadata = Object.entries(headers)
    .filter(([name]) => name.startsWith("x-amz-meta-"))
    .map(([name, value]) => [name.slice("x-amz-meta-".length), String(value)]);
  return {
    contentType: headers["content-type"] ?? "binary/octet-stream",
    metadata: Object.fromEntries(metadata),
  };
}

function served({ body, etag, contentType, metadata }: StubObject, range?: string): Answer {
  const headers = {
    etag,
    "content-type": contentType,
    "accept-ranges": "bytes",
    ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
  };
  const match = /^bytes=(\d+)-(\d*)$/.exec(range ?? "");
  if (!match) return { status: 200, headers, body };
  const start = Number(match[1]);
  const end = Math.min(match[2] ? Number(match[2]) : Number.POSITIVE_INFINITY, body.length - 1);
  if (start >= body.length) return failure(416, "InvalidRange");
  const partial = { ...headers, "content-range": `bytes ${start}-${end}/${body.length}` };
  return { status: 206, headers: partial, body: body.subarray(start, end + 1) };
}

/** Number of parts per page of a listing, so small that clients which ignore paging fail. */
const PARTS_ON_PAGE = 2;

function partListing({ parts }: Upload, query: URLSearchParams): Answer {
  const after = Number(query.get("part-number-marker") ?? 0);
  const rest = [...parts].filter(([number]) => number > after).sort(([a], [b]) => a - b);
  const page = rest.slice(0, PARTS_ON_PAGE);
  return xml("ListPartsResult", [
    element("IsTruncated", String(rest.length > page.length)),
    element("NextPartNumberMarker", String(page.at(-1)?.[0] ?? 0)),
    ...page.map(([number, { body, etag, checksum }]) => {
      const size = element("Size", String(body.length));
      const sum = element("ChecksumSHA256", checksum);
      return `<Part>${element("PartNumber", String(number))}${element("ETag", etag)}${size}${sum}</Part>`;
    }),
  ]);
}

function send(response: ServerResponse, answer: Answer, method: string, breakAfterBytes?: number): void {
  const body = answer.body ?? Buffer.alloc(0);
  response.writeHead(answer.status, { ...answer.headers, "content-length": body.length });
  if (method === "HEAD") response.end();
  else if (breakAfterBytes === undefined) response.end(body);
  else response.write(body.subarray(0, breakAfterBytes), () => response.destroy());
}

/** Reads a number of bytes of a body and then closes the connection. */
function breakAfter(request: IncomingMessage, breakAfterBytes: number): void {
  let received = 0;
  request.on("data", (chunk: Buffer) => {
    received += chunk.length;
    if (received >= breakAfterBytes) request.socket.destroy();
  });
}

function hasDeclaredChecksum(headers: IncomingMessage["headers"], body: Buffer): boolean {
  const declared = headers["x-amz-checksum-sha256"];
  return declared === undefined || declared === sha256(body);
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("base64");
}

function etagOf(bytes: Buffer): string {
  return `"${createHash("md5").update(bytes).digest("hex")}"`;
}
