import fc from "fast-check";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { formOf } from "./form.ts";
import { type TestApi, testApi } from "./support.ts";

let api: TestApi;
beforeAll(async () => {
  api = await testApi({ store: memoryStore() });
});

/** Creates a video and returns it without the members that differ between two equal requests. */
async function created(request: {
  json?: unknown;
  form?: FormData;
}): Promise<Omit<Video, "id" | "queue_position" | "quote">> {
  const response = await api.send("POST", "/v1/videos", request);
  const { id: _, queue_position: __, quote: ___, ...video } = (await response.json()) as Video;
  expect([response.status, video]).toEqual([200, video]);
  return video;
}

it("a response to a bare prompt holds every default and the seed that was drawn", async () => {
  const video = await created({ json: { prompt: "  a red circle\n" } });
  expect(video).toEqual({
    object: "video",
    status: "queued",
    progress: 0,
    created_at: api.clock.now() / 1000,
    started_at: null,
    completed_at: null,
    expires_at: null,
    model: "demo",
    prompt: "a red circle",
    seconds: "2",
    size: "64x64",
    remixed_from_video_id: null,
    error: null,
    stage: null,
    steps_done: null,
    seconds_left: null,
    preview_url: null,
    url: null,
    url_expires_at: null,
    thumbnail_url: null,
    uncached_url: null,
    params: {
      num_frames: 16,
      fps: 8,
      steps: 30,
      guidance_scale: 2,
      guidance_scale_2: null,
      negative_prompt: null,
      seed: expect.any(Number),
      cache: {
        policy: "auto",
        codebook: null,
        motion_regularisation: false,
        warmup_steps: 0,
        forecast: null,
      },
      audit: false,
      preview: true,
      compare: false,
      loras: [],
      input_reference: null,
      last_image: null,
      timeout: 3600,
      webhook_url: null,
      webhook_events: null,
    },
    metadata: {},
    compute: null,
    attempts: 0,
  });
  const { seed } = video.params;
  expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
  expect((await created({ json: { prompt: "a red circle" } })).params.seed).not.toBe(seed);
});

it("a response repeats the timeout exactly, though the clock runs on while the order is taken", async () => {
  const start = api.clock.now();
  let reads = 0;
  const clock = vi.spyOn(api.clock, "now").mockImplementation(() => start + reads++);
  try {
    const { params } = await created({ json: { prompt: "a red circle", timeout: 60 } });
    expect(params.timeout).toBe(60);
  } finally {
    clock.mockRestore();
  }
});

it("a response repeats every field that was asked for", async () => {
  const cache = {
    codebook: [{ below: 0.1, rate: 3 }, { rate: 1 }],
    motion_regularisation: { reference: 0.5, window: { from: 1, to: 9, of: 10 } },
    warmup_steps: 2,
    forecast: true,
  };
  const json = {
    prompt: "a red circle",
    model: "demo",
    size: "64x64",
    seconds: 2,
    num_frames: 16,
    fps: 8,
    steps: 10,
    num_inference_steps: 10,
    guidance_scale: 2.5,
    negative_prompt: "blue",
    seed: 2 ** 53 - 1,
    cache,
    compare: true,
    audit: true,
    metadata: { order: "42" },
    timeout: 60,
    webhook_url: "https://hooks.example.com/video?a=1",
    webhook_events: ["video.queued"],
  };
  const { params, metadata } = await created({ json });
  expect(metadata).toEqual({ order: "42" });
  expect(params).toEqual({
    num_frames: 16,
    fps: 8,
    steps: 10,
    guidance_scale: 2.5,
    guidance_scale_2: null,
    negative_prompt: "blue",
    seed: 2 ** 53 - 1,
    cache: { ...cache, policy: "codebook" },
    compare: true,
    audit: true,
    preview: true,
    loras: [],
    input_reference: null,
    last_image: null,
    timeout: 60,
    webhook_url: "https://hooks.example.com/video?a=1",
    webhook_events: ["video.queued"],
  });
});

it("a worker is told of the job, and the job waits behind those before it", async () => {
  api.clock.advance(1000); // a test before this one made a job some milliseconds in the future
  const first = await api.create();
  api.clock.advance(1);
  const second = await api.create();
  expect(api.hinted.work.slice(-2)).toEqual([first.id, second.id]);
  expect(second.queue_position).toBe(first.queue_position! + 1);
});

it("a webhook of the request is told of completion and failure unless it says otherwise", async () => {
  const { params } = await created({ json: { prompt: "a", webhook_url: "https://hooks.example.com" } });
  expect(params).toMatchObject({
    webhook_url: "https://hooks.example.com/",
    webhook_events: ["video.completed", "video.failed"],
  });
});

describe("cache", () => {
  it.each([
    ["auto", { policy: "auto", motion_regularisation: false }],
    ["off", { policy: "off", motion_regularisation: false }],
    ["slow", { policy: "slow", motion_regularisation: false }],
    ["static:3", { policy: "static:3", motion_regularisation: false }],
    [{}, { policy: "auto", motion_regularisation: false }],
    [{ warmup_steps: 3 }, { policy: "fast", warmup_steps: 3 }],
    [{ motion_regularisation: true }, { policy: "fast", motion_regularisation: true }],
    [{ computed_steps: 12 }, { policy: "computed_steps:12", warmup_steps: 0, forecast: null }],
    [{ at_most: "2m" }, { policy: "at_most:120s" }],
    [
      { at_most: 1.5, forecast: false },
      { policy: "at_most:1.5s", forecast: false },
    ],
    ["at_most:60", { policy: "at_most:60s" }],
    [
      { policy: "auto", motion_regularisation: false },
      { policy: "auto", motion_regularisation: false },
    ],
    [
      { policy: "slow", warmup_steps: 5 },
      { policy: "slow", warmup_steps: 5 },
    ],
  ])("the cache setting %j is stored as %j", async (cache, expected) => {
    expect((await created({ json: { prompt: "a", cache } })).params.cache).toMatchObject(expected);
  });
});

describe("a form", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
  const word = fc.stringMatching(/^[a-z][a-z0-9 ]{0,20}$/);
  const policy = fc.constantFrom("off", "auto", "fast", "slow", "static:2");
  const request = fc.record(
    {
      prompt: text.map((it) => `a ${it}`),
      seed: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      model: fc.constant("demo"),
      size: fc.constant("64x64"),
      seconds: fc.constantFrom<string | number>("2", 2, "2.0"),
      num_frames: fc.constant(16),
      fps: fc.constant(8),
      steps: fc.integer({ min: 5, max: 50 }),
      guidance_scale: fc.double({ min: 0, max: 100, noNaN: true }),
      negative_prompt: word,
      compare: fc.boolean(),
      timeout: fc.integer({ min: 10, max: 3600 }),
      cache: fc.oneof(
        policy,
        fc.record(
          { policy, motion_regularisation: fc.boolean(), warmup_steps: fc.integer({ min: 0, max: 4 }) },
          { requiredKeys: ["policy"] },
        ),
      ),
      metadata: fc.dictionary(fc.stringMatching(/^[A-Za-z][\w. -]{0,20}$/), word, { minKeys: 1, maxKeys: 3 }),
      webhook_url: fc.constant("https://hooks.example.com/"),
    },
    { requiredKeys: ["prompt", "seed"] },
  );

  it("a form means the same as the equivalent JSON", async () => {
    await fc.assert(
      fc.asyncProperty(request, async (fields) => {
        expect(await created({ form: formOf(fields) })).toEqual(await created({ json: fields }));
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ["quality", "lossless", { policy: "off" }],
    ["cache[at_most]", "60s", { policy: "at_most:60s" }],
    ["cache[at_most]", "60", { policy: "at_most:60s" }],
    ["cache[computed_steps]", "12", { policy: "computed_steps:12" }],
    ["cache", "computed_steps:12", { policy: "computed_steps:12" }],
    ["cache", '{"policy": "slow", "forecast": true}', { policy: "slow", forecast: true }],
  ])("a form with %s of %s asks for the cache %j", async (name, value, cache) => {
    const form = new FormData();
    form.append("prompt", "a red circle");
    form.append(name, value);
    expect((await created({ form })).params.cache).toMatchObject(cache);
  });

  it("a form may hold objects as JSON, lists in brackets, and null for fields that are left out", async () => {
    const form = formOf({
      prompt: "a red circle",
      cache: '{"codebook":[{"below":0.1,"rate":2},{"rate":1}],"motion_regularisation":false}',
      metadata: '{"order":"42"}',
      webhook_url: "https://hooks.example.com",
      webhook_events: ["video.queued", "video.failed"],
      seed: "null",
      negative_prompt: "null",
    });
    const { params, metadata } = await created({ form });
    expect(metadata).toEqual({ order: "42" });
    expect(params).toMatchObject({
      cache: { codebook: [{ below: 0.1, rate: 2 }, { rate: 1 }], motion_regularisation: false },
      webhook_events: ["video.queued", "video.failed"],
      negative_prompt: null,
    });
  });

  it("both a form and JSON may carry fields in extra_body, and the same ones outside of it", async () => {
    const fields = { prompt: "a", steps: 9, extra_body: { seed: 7, steps: 9, cache: { policy: "off" } } };
    const [fromJson, fromForm] = [await created({ json: fields }), await created({ form: formOf(fields) })];
    expect(fromForm).toEqual(fromJson);
    expect(fromJson.params).toMatchObject({ seed: 7, steps: 9, cache: { policy: "off" } });
  });
});
