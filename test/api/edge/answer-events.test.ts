import OpenAI from "openai";
import { pino } from "pino";
import { beforeAll, describe, expect, it } from "vitest";
import { type Answer, answerEvents } from "../../../functions/api/edge/answer-events.ts";
import { memoryStore } from "../../service/jobs/memory-store.ts";
import { expectProblem } from "../problem.ts";
import { type TestApi, testApi } from "../support.ts";
import { DISTRIBUTION, fetchThrough, originEvent, REQUEST_ID, responseOf } from "./viewer.ts";

const log = pino({ level: "silent" });
const base = `https://${DISTRIBUTION}`;

/** Returns an edge function with this app. */
const serving = (answer: Answer, options: { domain?: string; deadlineMs?: number } = {}) =>
  answerEvents({ open: async () => answer, domain: null, log, ...options });

let api: TestApi;
let viewer: ReturnType<typeof fetchThrough>;
beforeAll(async () => {
  api = await testApi({ store: memoryStore() });
  viewer = fetchThrough(serving((request) => api.app.fetch(request)));
});

const authorization = () => ({ authorization: `Bearer ${api.ownKey}` });

describe("the edge function", () => {
  it("the edge function answers through the app, with CloudFront's request id", async () => {
    const response = await viewer(`${base}/healthz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok", version: "0.0.0-test" });
    expect(response.headers.get("x-request-id")).toBe(REQUEST_ID);
  });

  it("the edge function makes the app once, with the deployment's names", async () => {
    const opened: (readonly string[])[] = [];
    const handler = answerEvents({
      open: async (hosts) => {
        opened.push(hosts);
        return ({ url }) => new Response(url);
      },
      domain: "videos.example.com",
      log,
    });
    const results = await Promise.all([handler(originEvent()), handler(originEvent())]);
    expect(opened).toEqual([["videos.example.com", DISTRIBUTION]]);
    const texts = await Promise.all(results.map((result) => responseOf(result).text()));
    expect(texts).toEqual(Array(2).fill("https://videos.example.com/healthz"));
  });

  it("the edge function answers 503 when the app cannot be made, and tries again at the next request", async () => {
    let calls = 0;
    const handler = answerEvents({
      async open() {
        calls += 1;
        if (calls === 1) throw new Error("The secret is not there.");
        return () => new Response("there");
      },
      domain: null,
      log,
    });
    const refused = responseOf(await handler(originEvent({ uri: "/v1/models" })));
    expect(refused.headers.get("retry-after")).toBe("2");
    expect(refused.headers.get("access-control-allow-origin")).toBe("*");
    const problem = await expectProblem(refused, "storage_unavailable", null);
    expect(problem.detail).not.toContain("secret");
    expect(problem).toMatchObject({ instance: "/v1/models", request_id: REQUEST_ID });
    expect(await responseOf(await handler(originEvent())).text()).toBe("there");
  });

  it("the edge function answers 503 itself before CloudFront times out", async () => {
    const handler = serving(() => new Promise<Response>(() => undefined), { deadlineMs: 20 });
    await expectProblem(responseOf(await handler(originEvent())), "storage_unavailable", null);
  });

  it("a body that CloudFront truncated is answered like one that is too long", async () => {
    const init = {
      method: "POST",
      headers: { ...authorization(), "content-type": "application/json" },
      body: JSON.stringify({ prompt: "a".repeat(1_100_000) }),
    };
    const atEdge = await viewer(`${base}/v1/videos`, init);
    expect(atEdge.headers.get("x-request-id")).toBe(REQUEST_ID);
    const local = await api.send("POST", "/v1/videos", { json: { prompt: "a".repeat(100_000) } });
    const { request_id: _, ...expected } = await expectProblem(local, "body_too_large", null);
    expect(await expectProblem(atEdge, "body_too_large", null)).toMatchObject(expected);
    // Without a key the body is not parsed.
    const { authorization: __, ...headers } = init.headers;
    await expectProblem(await viewer(`${base}/v1/videos`, { ...init, headers }), "invalid_api_key", null);
  });

  it("an answer over one megabyte is not sent unless the client accepts it compressed", async () => {
    const answer = () =>
      new Response(JSON.stringify({ text: "a".repeat(1_200_000) }), {
        headers: { "content-type": "application/json", "x-request-id": "mine" },
      });
    const through = fetchThrough(serving(answer));
    const compressed = await through(`${base}/v1/videos`, { headers: { "accept-encoding": "gzip" } });
    expect((await compressed.text()).length).toBeGreaterThan(1_200_000);
    const refused = await through(`${base}/v1/videos`);
    const problem = await expectProblem(refused, "response_too_large", null);
    expect(problem).toMatchObject({ instance: "/v1/videos", request_id: "mine" });
  });

  it("the edge function answers HEAD, OPTIONS and methods that a path does not take", async () => {
    const head = await viewer(`${base}/docs`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const preflight = await viewer(`${base}/v1/videos`, {
      method: "OPTIONS",
      headers: { origin: "https://a.example", "access-control-request-method": "POST" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-methods")).toContain("POST");
    const wrong = await viewer(`${base}/v1/videos`, { method: "PATCH", headers: authorization() });
    await expectProblem(wrong, "method_not_allowed", null);
  });

  it("a browser that already has a page is answered 304", async () => {
    const first = await viewer(`${base}/docs`, { headers: { "accept-encoding": "gzip" } });
    const etag = first.headers.get("etag")!;
    const again = await viewer(`${base}/docs`, { headers: { "if-none-match": etag } });
    expect([etag.slice(0, 2), again.status]).toEqual(["W/", 304]);
  });

  it("a viewer is redirected to a signed URL", async () => {
    const { id } = await api.create();
    await api.complete(id);
    const content = await viewer(`${base}/v1/videos/${id}/content`, {
      headers: authorization(),
      redirect: "manual",
    });
    expect(content.status).toBe(302);
    expect(content.headers.get("location")).toContain(`artifacts/acme/${id}/`);
  });

  it("the edge function serves the stock openai client", async () => {
    const transport = async (input: string | URL | Request, init?: RequestInit) => {
      const url = new URL(input instanceof Request ? input.url : input);
      return url.protocol === "data:" ? fetch(url, init) : viewer(input, init);
    };
    const client = new OpenAI({ apiKey: api.ownKey, baseURL: `${base}/v1`, fetch: transport });
    const video = await client.videos.create({ prompt: "a red circle" });
    expect(video).toMatchObject({ object: "video", status: "queued", prompt: "a red circle" });
    expect((await client.videos.retrieve(video.id)).id).toBe(video.id);
    const remix = await client.videos.remix(video.id, { prompt: "a blue square" });
    const found: string[] = [];
    for await (const { id } of client.videos.list({ limit: 1 })) found.push(id);
    expect(found).toEqual(expect.arrayContaining([remix.id, video.id]));
    expect(await client.videos.delete(video.id)).toMatchObject({ deleted: true });
    const missing = client.videos.retrieve(video.id);
    await expect(missing).rejects.toMatchObject({ status: 404, code: "video_not_found" });
  });
});
