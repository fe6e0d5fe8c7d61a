import fs, { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { answerEvents } from "../../../functions/api/edge/answer-events.ts";
import { edgeConfigSchema } from "../../../functions/api/edge/edge-config.ts";
import { ASSETS } from "../../../functions/api/pages/assets.ts";
import { parseDeployment } from "../../../infra/config.ts";
import { bundleEdge, edgeConfig } from "../../../infra/edge-bundle.ts";
import { writeModelCard } from "../../../lib/distribution/model-store/index.ts";
import { describeModel } from "../../../lib/generation/pipeline/index.ts";
import { artifactKey, jobStore } from "../../../lib/service/jobs/index.ts";
import { apiKeys } from "../../../lib/service/keys/index.ts";
import { type ObjectStore, openBucketStore } from "../../../lib/service/storage/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { type S3Stub, startS3Stub } from "../../s3-stub/s3-stub.ts";
import { receipt } from "../../service/jobs/sample-job.ts";
import { expectProblem } from "../problem.ts";
import { type SecretStub, startSecretStub } from "./secret-stub.ts";
import { DISTRIBUTION, fetchThrough } from "./viewer.ts";

const REFERENCE = ["requests", "videos", "webhooks", "triggers", "models", "errors"];

const deployment = parseDeployment({ account: "123456789012", region: "eu-central-1" }, {});
const config = edgeConfig(deployment);
const { bucket, region } = config;
const base = `https://${DISTRIBUTION}`;

const folders = ["a", "b"].map((name) => mkdtempSync(join(tmpdir(), `adareel-edge-${name}-`)));
const [folder, again] = folders as [string, string];
afterAll(() => {
  for (const each of folders) rmSync(each, { recursive: true, force: true });
});

const metafile = bundleEdge(deployment, folder);

describe("the edge bundle", () => {
  /** Returns the files that a file loads before it runs, itself included. */
  function loaded(name: string, seen = new Set<string>()): Set<string> {
    if (seen.has(name)) return seen;
    seen.add(name);
    const { imports } = metafile.outputs[name]!;
    for (const { path, kind, external } of imports)
      if (kind === "import-statement" && !external) loaded(path, seen);
    return seen;
  }
  const outputOf = (pattern: RegExp) => Object.keys(metafile.outputs).find((name) => pattern.test(name))!;

  it("the edge bundle loads less than one megabyte before it answers, and MCP when it is asked for", () => {
    const first = loaded(outputOf(/\/index\.mjs$/));
    const bytes = [...first].reduce((sum, name) => sum + metafile.outputs[name]!.bytes, 0);
    expect(bytes).toBeGreaterThan(100_000);
    expect(bytes).toBeLessThan(1_000_000);
    const ofMcp = Object.entries(metafile.outputs).filter(([, { inputs }]) =>
      Object.keys(inputs).some((path) => path.includes("@modelcontextprotocol")),
    );
    expect(ofMcp.length).toBeGreaterThan(0);
    expect(ofMcp.filter(([name]) => first.has(name))).toEqual([]);
  });

  it("the edge bundle is the same bytes for the same deployment, and others for another", () => {
    bundleEdge(deployment, again);
    const files = (of: string) =>
      (readdirSync(of, { recursive: true }) as string[])
        .filter((name) => /\.\w+$/.test(name))
        .map((name) => [name, readFileSync(join(of, name), "utf8")]);
    expect(files(again)).toEqual(files(folder));
    bundleEdge({ ...deployment, unfinishedMax: 7 }, again);
    expect(files(again)).not.toEqual(files(folder));
  });

  it("the edge bundle holds only what runs at the edge", () => {
    const inputs = Object.keys(metafile.inputs);
    expect(inputs).toContain("functions/api/edge/handler.ts");
    const strangers = new RegExp(
      [
        "onnxruntime|sharp|webcodecs|mediabunny|aws-cdk|hono/dist/adapter|^test/",
        "lib/generation/(checkpoint|models|onnx|pipeline|video)/",
        // Clients that only serve credentials from elsewhere than the environment.
        "@aws-sdk/(nested-clients|credential-provider-(ini|sso))",
      ].join("|"),
    );
    expect(inputs.filter((path) => strangers.test(path))).toEqual([]);
  });

  it("the edge bundle holds the configuration that the function understands", () => {
    expect(edgeConfigSchema.parse(config)).toEqual(config);
    const domain = { name: "videos.example.com", certificateArn: "arn" };
    expect(edgeConfigSchema.parse(edgeConfig({ ...deployment, domain })).domain).toBe("videos.example.com");
  });
});

describe("the bundled function", () => {
  let s3: S3Stub;
  let secretStub: SecretStub;
  let store: ObjectStore;
  let viewer: ReturnType<typeof fetchThrough>;
  let authorization: string;
  /** Output of the function to stdout. */
  let log = "";
  beforeAll(async () => {
    vi.spyOn(fs, "writeSync").mockImplementation((_fd: number, text: unknown) => {
      log += text;
      return String(text).length;
    });
    [s3, secretStub] = await Promise.all([startS3Stub({ buckets: [bucket] }), startSecretStub()]);
    for (const [name, value] of Object.entries({ ...s3.env, ...secretStub.env })) vi.stubEnv(name, value);
    // The function runs near the viewer, in another region than its bucket.
    vi.stubEnv("AWS_REGION", "ap-southeast-2");
    store = await openBucketStore({ bucket, region, timeoutMs: 4000 });
    const { handler } = (await import(pathToFileURL(join(folder, "index.mjs")).href)) as {
      handler: ReturnType<typeof answerEvents>;
    };
    viewer = fetchThrough(handler);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    await Promise.all([s3.close(), secretStub.close()]);
  });

  const post = (body: object) =>
    viewer(`${base}/v1/videos`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  it("the bundled function answers 503 until it finds its secret and its model, and then recovers", async () => {
    await expectProblem(await viewer(`${base}/healthz`), "storage_unavailable", null);
    secretStub.secrets.set(config.masterSecret, "m".repeat(64));
    await expectProblem(await viewer(`${base}/healthz`), "storage_unavailable", null);
    const { name, limits } = await describeModel(join(import.meta.dirname, "../../../models/demo"));
    await writeModelCard(store, { name, limits, fingerprint: "f", bytes: 1 });
    const healthy = await viewer(`${base}/healthz`);
    expect(await healthy.json()).toEqual({ status: "ok", version: config.version });
    authorization = `Bearer ${(await apiKeys({ store, ...system }).create({ tenant: "acme", name: "a" })).key}`;
  });

  it("the bundled function serves the pages and every file they load", async () => {
    for (const path of ["/", "/docs", ...REFERENCE.map((name) => `/docs/${name}`), "/openapi.json"]) {
      const page = await viewer(base + path, { headers: { "accept-encoding": "gzip" } });
      expect([page.status, page.headers.get("content-encoding")]).toEqual([200, "gzip"]);
      // A client that takes no gzip gets it too: it is below the limit of a megabyte as it is.
      const plain = await viewer(base + path, { headers: { "accept-encoding": "identity" } });
      expect([path, plain.status]).toEqual([path, 200]);
      expect(await page.text()).toMatch(path === "/openapi.json" ? /^{/ : /^<!doctype html>/);
    }
    for (const [name, { text, contentType }] of ASSETS) {
      const asset = await viewer(`${base}/assets/${name}`);
      expect([asset.headers.get("content-type"), await asset.text()]).toEqual([contentType, text]);
    }
    expect((await viewer(`${base}/docs`, { method: "HEAD" })).status).toBe(200);
    expect(await (await viewer(`${base}/docs`)).text()).toContain(`<span data-address="true">${base}</span>`);
  });

  it("the bundled function writes a job whose markers trigger its hints", async () => {
    const response = await post({ prompt: "a red circle", seed: 7 });
    expect(response.status).toBe(200);
    const { id } = (await response.json()) as { id: string };
    const folders = [...s3.objects.keys()].map((key) => key.split("/")[1]);
    expect(folders).toEqual(expect.arrayContaining(["jobs", "unfinished"]));
    const list = await viewer(`${base}/v1/videos?limit=5`, { headers: { authorization } });
    expect(await list.json()).toMatchObject({ data: [{ id, status: "queued" }], has_more: false });
  });

  it("the bundled function signs URLs of the bucket's region, not of its own", async () => {
    const { id } = (await (await post({ prompt: "a" })).json()) as { id: string };
    const ref = { tenant: "acme", id };
    const jobs = jobStore({ store, ...system });
    const claimed = await jobs.apply(ref, { type: "claim", owner: "w", leaseMs: 60_000 });
    const attempt = claimed.record!.attempt;
    const key = artifactKey(ref, attempt, "video.mp4");
    await store.put(key, new Uint8Array(1));
    const video = { key, contentType: "video/mp4", bytes: 1, sha256: "0".repeat(64) };
    const outputs = { video, thumbnail: null, uncached: null };
    const done = { owner: "w", attempt, outputs, receipt: { ...receipt, attempt } };
    expect((await jobs.apply(ref, { type: "complete", ...done })).ok).toBe(true);
    const response = await viewer(`${base}/v1/videos/${id}/content`, { headers: { authorization } });
    const location = new URL(response.headers.get("location")!);
    expect(location.pathname).toContain(key);
    expect(location.searchParams.get("X-Amz-Credential")).toContain(`/${region}/s3/aws4_request`);
  });

  it("the bundled function refuses long bodies, webhooks to itself, and requests without a key", async () => {
    await expectProblem(await post({ prompt: "a".repeat(1_200_000) }), "body_too_large", null);
    await expectProblem(
      await post({ prompt: "a", webhook_url: `${base}/v1/videos` }),
      "invalid_webhook_url",
      "webhook_url",
    );
    await expectProblem(await viewer(`${base}/v1/videos`), "invalid_api_key", null);
  });

  it("the bundled function serves the stock openai client", async () => {
    const transport = async (input: string | URL | Request, init?: RequestInit) => {
      const url = new URL(input instanceof Request ? input.url : input);
      return url.protocol === "data:" ? fetch(url, init) : viewer(input, init);
    };
    const apiKey = authorization.slice("Bearer ".length);
    const client = new OpenAI({ apiKey, baseURL: `${base}/v1`, fetch: transport });
    const video = await client.videos.create({ prompt: "a red circle" });
    expect(await client.videos.retrieve(video.id)).toMatchObject({ id: video.id, status: "queued" });
    expect(await client.videos.delete(video.id)).toMatchObject({ deleted: true });
  });

  it.each([{}, { versionNegotiation: { mode: "auto" } }] as const)(
    "the bundled function serves the stock MCP client with the options %j",
    async (options) => {
      const client = new Client({ name: "test", version: "1.0.0" }, options);
      const transport = { fetch: viewer, requestInit: { headers: { authorization } } };
      await client.connect(new StreamableHTTPClientTransport(new URL(`${base}/mcp`), transport));
      const call = async (name: string, args: object = {}) =>
        (await client.callTool({ name, arguments: { ...args } })).structuredContent as Record<
          string,
          unknown
        >;
      expect(await call("list_models")).toMatchObject({ models: [{ id: "demo" }] });
      const wanted = { prompt: "a red circle" };
      const { quote } = await call("quote_video", wanted);
      const { id } = await call("make_video", { ...wanted, quote });
      expect(await call("cancel_video", { id })).toMatchObject({ id, status: "failed" });
      await client.close();
    },
  );

  it("the bundled function logs one line of JSON for each request, without prompt, key or URL", () => {
    const lines = log
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.length).toBeGreaterThan(20);
    expect(lines).toContainEqual(
      expect.objectContaining({ method: "POST", route: "/v1/videos", status: 200 }),
    );
    expect(log).not.toMatch(/red circle|adr_|https?:|X-Amz/);
  });

  it("the bundled function answers 503 while the bucket does not answer", async () => {
    await s3.close();
    const response = await viewer(`${base}/v1/models`, {
      headers: { authorization: "Bearer adr_aaaaaaaaaaaa_" },
    });
    expect(response.status).toBe(401);
    const unknown = `Bearer adr_${"a".repeat(12)}_${"a".repeat(43)}`;
    const down = await viewer(`${base}/v1/models`, { headers: { authorization: unknown } });
    await expectProblem(down, "storage_unavailable", null);
  });
});
