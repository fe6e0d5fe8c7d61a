import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { requestOf, resultOf } from "../../../functions/api/edge/cloudfront.ts";
import { eventOf, originEvent, REQUEST_ID, responseOf } from "./viewer.ts";

const HOST = "videos.example.com";

function request(change: Parameters<typeof originEvent>[0]): Request {
  return requestOf(originEvent(change).Records[0]!.cf, HOST);
}

const body = (data: string, encoding: "base64" | "text" = "base64", inputTruncated = false) => ({
  action: "read-only" as const,
  data,
  encoding,
  inputTruncated,
});

const asked = (headers: Record<string, string> = {}) => new Request(`https://${HOST}/`, { headers });
const GZIP = { "accept-encoding": "br, gzip;q=0.8" };

describe("a request", () => {
  it("a request has the viewer's host, not the origin's", () => {
    const { url, headers } = request({ uri: "/healthz" });
    expect(url).toBe(`https://${HOST}/healthz`);
    expect(headers.get("host")).toBe(HOST);
  });

  it.each([
    "metadata[order]=a%2Bb+c&limit=2",
    "?a=1",
    "a=%zz&b=%C3%A4",
    "after=video_1&after=video_2",
    "=&&=",
  ])("the query %s reaches the app unchanged", (querystring) => {
    expect(new URL(request({ querystring }).url).search).toBe(`?${querystring}`);
  });

  it("an escaped path stays escaped, and no part of it becomes a host or a query", () => {
    expect(request({ uri: "/v1/videos/a%2Fb%3Fc" }).url).toBe(`https://${HOST}/v1/videos/a%2Fb%3Fc`);
    expect(request({ uri: "//evil.example/x" }).url).toBe(`https://${HOST}//evil.example/x`);
    expect(new URL(request({ uri: "/a?b#c" }).url).pathname).toBe("/a%3Fb%23c");
  });

  it("repeated headers are joined", () => {
    const prefer = ["respond-async", "wait=5"].map((value) => ({ key: "Prefer", value }));
    expect(request({ headers: { prefer } }).headers.get("prefer")).toBe("respond-async, wait=5");
  });

  it("a header that is not ASCII arrives as the bytes that a server reads", () => {
    const headers = { "idempotency-key": [{ key: "Idempotency-Key", value: "ä€" }] };
    const value = request({ headers }).headers.get("idempotency-key")!;
    expect(Buffer.from(value, "latin1").toString()).toBe("ä€");
  });

  it.each(["GET", "HEAD"])("a request of method %s has no body", async (method) => {
    const got = request({ method, body: body("YWJj") });
    expect(got.method).toBe(method);
    expect(got.body).toBeNull();
  });

  it.each([
    ["base64", body("w6Q="), "ä"],
    ["text", body("ä", "text"), "ä"],
    ["nothing", body(""), ""],
  ])("a request has its body, which comes as %s", async (_, given, text) => {
    expect(await request({ method: "POST", body: given }).text()).toBe(text);
  });

  it("a body that CloudFront truncated is reported as too long", () => {
    const headers = { "content-length": [{ key: "Content-Length", value: "5" }] };
    const got = request({ method: "POST", headers, body: body("YWJj", "base64", true) });
    expect(Number(got.headers.get("content-length"))).toBeGreaterThan(2 ** 40);
  });

  it("a request without a client's id has CloudFront's", () => {
    expect(request({}).headers.get("x-request-id")).toBe(REQUEST_ID);
    const headers = { "x-request-id": [{ key: "X-Request-Id", value: "mine" }] };
    expect(request({ headers }).headers.get("x-request-id")).toBe("mine");
  });

  test("every request arrives at the app as the viewer sent it", async () => {
    const headerName = fc.stringMatching(/^x-t-[a-z0-9]{1,8}$/);
    const headerValue = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
    const sent = fc.record({
      method: fc.constantFrom("POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
      path: fc.webPath(),
      query: fc.webQueryParameters(),
      headers: fc.dictionary(headerName, headerValue, { maxKeys: 4 }),
      bytes: fc.uint8Array({ maxLength: 200 }),
    });
    await fc.assert(
      fc.asyncProperty(sent, async ({ method, path, query, headers, bytes }) => {
        const url = new URL(`https://${HOST}${path.startsWith("/") ? path : `/${path}`}`);
        // CloudFront does not distinguish an empty query string from a missing one.
        if (query !== "?") url.search = query;
        const init = { method, headers, body: Buffer.from(bytes) };
        const { cf } = (await eventOf(new Request(url, init))).Records[0]!;
        const got = requestOf(cf, HOST);
        expect(got.method).toBe(method);
        expect(got.url).toBe(url.href);
        for (const [name, value] of Object.entries(headers)) expect(got.headers.get(name)).toBe(value);
        expect(new Uint8Array(await got.arrayBuffer())).toEqual(bytes);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a result", () => {
  it("a result has its status, its headers as lists, and a text body unchanged", async () => {
    const response = new Response('{"a":"ä"}', {
      status: 201,
      headers: { "content-type": "application/json", "x-request-id": "r" },
    });
    expect(await resultOf(response, asked(GZIP))).toEqual({
      status: "201",
      statusDescription: "Created",
      headers: {
        "cache-control": [{ key: "cache-control", value: "no-cache" }],
        "content-type": [{ key: "content-type", value: "application/json" }],
        "x-request-id": [{ key: "x-request-id", value: "r" }],
      },
      bodyEncoding: "text",
      body: '{"a":"ä"}',
    });
  });

  it("a result forbids CloudFront to keep it or to share it among concurrent requests", async () => {
    const said = async (headers: Record<string, string>) =>
      (await resultOf(new Response("a", { headers }), asked()))!.headers!["cache-control"]![0]!.value;
    expect(await said({})).toBe("no-cache");
    expect(await said({ "cache-control": "no-store" })).toBe("no-store");
  });

  it.each([
    ["image/png", new Uint8Array([137, 80, 255])],
    ["text/plain", new Uint8Array([255, 254])],
  ])("a body that is not UTF-8 text is sent in base64: %s", async (contentType, bytes) => {
    const result = await resultOf(new Response(bytes, { headers: { "content-type": contentType } }), asked());
    expect(result).toMatchObject({ bodyEncoding: "base64", body: Buffer.from(bytes).toString("base64") });
  });

  it.each([204, 304])("a result of status %s has no body, not even an empty one", async (status) => {
    const result = await resultOf(new Response(null, { status, headers: { etag: '"a"' } }), asked(GZIP));
    expect(result).not.toHaveProperty("body");
    expect(result).not.toHaveProperty("bodyEncoding");
    expect(result!.headers!.etag).toEqual([{ key: "etag", value: '"a"' }]);
  });

  it("a result has no header that CloudFront refuses, and no cookie", async () => {
    const headers = {
      "content-length": "1",
      connection: "close",
      "keep-alive": "timeout=5",
      "transfer-encoding": "chunked",
      via: "1.1 proxy",
      "x-amz-cf-id": "a",
      "x-amzn-requestid": "a",
      "x-edge-location": "a",
      "x-cache": "a",
      "proxy-connection": "a",
      "set-cookie": "a=b",
      location: "https://a.example/?x=1",
      "www-authenticate": 'Bearer realm="adareel"',
    };
    const result = await resultOf(new Response(null, { status: 302, headers }), asked());
    expect(Object.keys(result!.headers!).sort()).toEqual(["cache-control", "location", "www-authenticate"]);
  });

  const long = JSON.stringify({ text: "a".repeat(5000) });
  const json = { "content-type": "application/json", etag: '"a"' };

  it("a long result is compressed when the client accepts that", async () => {
    const result = (await resultOf(new Response(long, { headers: json }), asked(GZIP)))!;
    expect(result.bodyEncoding).toBe("base64");
    expect(gunzipSync(Buffer.from(result.body!, "base64")).toString()).toBe(long);
    expect(result.headers).toMatchObject({
      "content-encoding": [{ value: "gzip" }],
      vary: [{ value: "accept-encoding" }],
      etag: [{ value: 'W/"a"' }],
    });
  });

  it.each(["", "br", "gzip;q=0", "gzip; q=0.0", "deflate, gzipped"])(
    "a result is not compressed for a client that accepts %j",
    async (accepted) => {
      const response = new Response(long, { headers: json });
      const result = (await resultOf(response, asked({ "accept-encoding": accepted })))!;
      expect(result.body).toBe(long);
      expect(result.headers).not.toHaveProperty("content-encoding");
      expect(result.headers).toMatchObject({ vary: [{ value: "accept-encoding" }] });
    },
  );

  it("a result is not compressed twice, nor when it is short or not text", async () => {
    const coded = { ...json, "content-encoding": "br" };
    const responses = [
      new Response(long, { headers: coded }),
      new Response("{}", { headers: json }),
      new Response(long, { headers: { "content-type": "video/mp4" } }),
    ];
    for (const response of responses) {
      const { headers } = (await resultOf(response, asked(GZIP)))!;
      expect(headers!["content-encoding"]?.[0]?.value).not.toBe("gzip");
    }
  });

  it("a result above one megabyte is null, in CloudFront's worst-case count", async () => {
    const text = (length: number) => new Response("a".repeat(length), { headers: json });
    expect(await resultOf(text(999_000), asked())).not.toBeNull();
    expect(await resultOf(text(1_000_000), asked())).toBeNull();
    expect(await resultOf(new Response('"'.repeat(600_000), { headers: json }), asked())).toBeNull();
    expect(await resultOf(new Response(Buffer.alloc(800_000)), asked())).toBeNull();
    expect(await resultOf(text(1_000_000), asked(GZIP))).not.toBeNull();
  });

  test("every answer of the app reaches the viewer unchanged", async () => {
    const answered = fc.record({
      status: fc.constantFrom(200, 202, 400, 404, 503),
      contentType: fc.constantFrom(
        "application/json",
        "text/html; charset=UTF-8",
        "image/png",
        "image/svg+xml",
      ),
      bytes: fc.uint8Array({ maxLength: 6_000, size: "max" }),
      accepted: fc.constantFrom("gzip", "identity"),
    });
    await fc.assert(
      fc.asyncProperty(answered, async ({ status, contentType, bytes, accepted }) => {
        const response = new Response(Buffer.from(bytes), {
          status,
          headers: { "content-type": contentType },
        });
        const got = responseOf((await resultOf(response, asked({ "accept-encoding": accepted })))!);
        expect(got.status).toBe(status);
        expect(got.headers.get("content-type")).toBe(contentType);
        expect(Buffer.from(await got.arrayBuffer())).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 60 },
    );
  });
});
