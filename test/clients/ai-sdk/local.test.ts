import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { experimental_generateVideo, experimental_getVideoStatus, experimental_startVideo } from "ai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AdareelProvider, createAdareel } from "../../../clients/ai-sdk/src/index.ts";
import { eventually } from "../../eventually.ts";
import { writeTinyModel } from "../../generation/pipeline/tiny-model.ts";
import { type Client, clientOf, type LocalService, startLocal } from "../../local/local-service.ts";
import { openReceiver, type Receiver } from "../../local/receiver.ts";

/* The AI SDK's own functions against `npm start` with a tiny model. */

const prompt = "a red circle moves to the left";
const poll = { intervalMs: 50 };

let folder: string;
let model: string;
let name: string;
let service: LocalService;
let client: Client;
let provider: AdareelProvider;
let receiver: Receiver;

beforeAll(async () => {
  globalThis.AI_SDK_LOG_WARNINGS = false;
  [folder, model] = await Promise.all([mkdtemp(join(tmpdir(), "adareel-ai-sdk-")), writeTinyModel()]);
  receiver = await openReceiver();
  service = await startLocal({ DATA_DIR: folder, MODELS: model, ALLOW_LOOPBACK_WEBHOOKS: "1" });
  client = clientOf(service.url, service.key!);
  provider = createAdareel({ baseURL: service.url, apiKey: service.key! });
  const { data } = await client.ask<{ data: { id: string }[] }>("GET", "/v1/models");
  name = data[0]!.id;
});
afterAll(async () => {
  service?.child.kill("SIGTERM");
  await service?.ended;
  await receiver?.close();
  for (const path of [folder, model]) await rm(path, { recursive: true, force: true });
});

/** Options of this provider that make a video of few steps. */
const quick = { adareel: { steps: 4 } };

interface Made {
  readonly videos: readonly { readonly id: string; readonly seed: number }[];
}

describe("the AI SDK with a running service", () => {
  it("generateVideo returns the bytes of the video, and what it was made with", async () => {
    const { video, warnings, providerMetadata } = await experimental_generateVideo({
      model: provider.video(name),
      prompt,
      seed: 5,
      providerOptions: { adareel: { ...quick.adareel, metadata: { order: "42" }, cache: "off" } },
      poll,
    });
    const [{ id, seed }] = (providerMetadata.adareel as unknown as Made).videos as [Made["videos"][number]];
    const stored = await client.read(id);
    expect([seed, stored.metadata, stored.params.cache.policy, warnings]).toEqual([
      5,
      { order: "42" },
      "off",
      [],
    ]);
    const file = Buffer.from(await (await client.send("GET", `/v1/videos/${id}/content`)).arrayBuffer());
    expect(Buffer.from(video.uint8Array).equals(file)).toBe(true);
    expect(video.mediaType).toMatch(/^(video\/mp4|image\/webp)$/);
  });

  it("several videos of one call are different ones, with one seed after the other", async () => {
    const { videos, providerMetadata } = await experimental_generateVideo({
      model: provider.video(name),
      prompt,
      n: 3,
      seed: 7,
      providerOptions: quick,
      poll,
    });
    const made = (providerMetadata.adareel as unknown as Made).videos;
    expect(made.map(({ seed }) => seed)).toEqual([7, 8, 9]);
    expect(new Set(videos.map(({ base64 }) => base64)).size).toBe(3);
  });

  it("a video that one process starts can be asked for by another", async () => {
    const { operation } = await experimental_startVideo({
      model: provider.video(name),
      prompt,
      providerOptions: quick,
    });
    const carried = JSON.parse(JSON.stringify(operation));
    const other = createAdareel({ baseURL: `${service.url}/v1/`, apiKey: service.key! }).video(name);
    const status = await eventually(async () => {
      const found = await experimental_getVideoStatus(other, { operation: carried });
      expect(found.status).toBe("completed");
      return found;
    });
    expect(status).toMatchObject({ videos: [{ type: "binary" }] });
  });

  it("a webhook ends the wait for all videos of a call", async () => {
    const path = "/done";
    const { videos } = await experimental_generateVideo({
      model: provider.video(name),
      prompt,
      n: 2,
      providerOptions: quick,
      webhook: async () => ({
        url: receiver.url + path,
        received: receiver.at(path, 1).then(([first]) => ({ headers: {}, body: JSON.parse(first!.body) })),
      }),
    });
    expect(videos.length).toBe(2);
  });

  it("an abort cancels the video, whose worker stops", async () => {
    const abort = new AbortController();
    const generation = experimental_generateVideo({
      model: provider.video(name),
      prompt,
      providerOptions: { adareel: { steps: 1000, cache: "off", metadata: { to: "abort" } } },
      abortSignal: abort.signal,
      poll,
    });
    generation.catch(() => undefined);
    const list = () => client.ask<{ data: { id: string }[] }>("GET", "/v1/videos?metadata[to]=abort&limit=1");
    const id = await eventually(async () => (await list()).data[0]!.id);
    abort.abort();
    await expect(generation).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
    const video = await client.finished(id);
    expect([video.status, video.error?.code]).toEqual(["failed", "canceled"]);
  });
});
