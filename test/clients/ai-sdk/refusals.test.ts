import { experimental_generateVideo, experimental_getVideoStatus, experimental_startVideo } from "ai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAdareel } from "../../../clients/ai-sdk/src/index.ts";
import { type LoopbackService, startLoopbackService } from "../../conformance/service.ts";

/* What a user of the AI SDK sees of mistakes and of videos that fail. */

const prompt = "a red circle";
const poll = { intervalMs: 10 };

let service: LoopbackService;
beforeAll(async () => {
  globalThis.AI_SDK_LOG_WARNINGS = false;
  service = await startLoopbackService();
});
afterAll(() => service.stop());

interface Connecting {
  readonly apiKey?: string;
  readonly baseURL?: string;
  readonly model?: string;
  readonly fetch?: typeof fetch;
}

function connect({
  apiKey = service.api.ownKey,
  baseURL = service.origin,
  model = "demo",
  ...rest
}: Connecting = {}) {
  return createAdareel({ baseURL, apiKey, ...rest }).video(model);
}

type Call = Partial<Parameters<typeof experimental_generateVideo>[0]>;

function generate(call: Call = {}, connecting: Connecting = {}) {
  return experimental_generateVideo({ model: connect(connecting), prompt, poll, maxRetries: 0, ...call });
}

/** Fetches as usual, and keeps the requests that create videos. */
function recorded(
  answer: (create: () => Promise<Response>, nth: number) => Promise<Response> = (create) => create(),
) {
  const creations: { readonly key: string | null; readonly body: Record<string, unknown> }[] = [];
  const send: typeof fetch = async (input, init) => {
    if (init?.method !== "POST" || !/\/v1\/videos$/.test(String(input))) return fetch(input, init);
    const key = new Headers(init.headers).get("idempotency-key");
    creations.push({ key, body: JSON.parse(String(init.body)) });
    return answer(() => fetch(input, init), creations.length - 1);
  };
  return { creations, send };
}

async function countOf(status = ""): Promise<number> {
  const answer = await service.api.send("GET", `/v1/videos?limit=100${status && `&status=${status}`}`);
  return ((await answer.json()) as { data: unknown[] }).data.length;
}

describe("a call that cannot be made", () => {
  const cases: [name: string, call: Call, connecting: Connecting, message: RegExp][] = [
    ["a wrong key", {}, { apiKey: "adr_wrong" }, /^Send a valid API key/],
    ["a service that is down", {}, { baseURL: "http://127.0.0.1:9" }, /Cannot connect to API/],
    ["an unknown model", {}, { model: "sora" }, /^This service has no model "sora": it has demo\.$/],
    ["an empty prompt", { prompt: "" }, {}, /^The prompt is empty/],
    ["a prompt too long", { prompt: "x".repeat(2001) }, {}, /^prompt .*2000/],
    ["a broken seed", { seed: 1.5 }, {}, /^seed is a whole number/],
    ["a negative duration", { duration: -1 }, {}, /^duration must be a number above 0, not -1\.$/],
    ["no frames a second", { fps: 0 }, {}, /^fps must be a number above 0, not 0\.$/],
    ["a resolution in words", { resolution: "huge" as "1x1" }, {}, /^resolution must be two whole numbers/],
    ["a shape without height", { aspectRatio: "16:0" }, {}, /^aspectRatio must be two whole numbers/],
    ["a fraction of a video", { n: 1.5 }, {}, /^n must be a whole number from 1 to 100\.$/],
    ["a picture for a model of text", { prompt: { text: prompt, image: "aGVsbG8=" } }, {}, /./],
    [
      "an option of another type",
      { providerOptions: { adareel: { steps: "20" } } },
      {},
      /^providerOptions\.adareel\.steps: /,
    ],
    [
      "an option that the call sets",
      { providerOptions: { adareel: { prompt } } },
      {},
      /^providerOptions\.adareel\.prompt: the call itself sets this field\.$/,
    ],
    ["an option that nobody knows", { providerOptions: { adareel: { colour: "red" } } }, {}, /colour/],
  ];
  it.each(cases)(
    "%s is refused in one sentence, and nothing is made",
    async (_name, call, connecting, message) => {
      const before = await countOf();
      await expect(generate(call, connecting)).rejects.toThrow(message);
      expect(await countOf()).toBe(before);
    },
  );

  it("no videos at all are the core's own error", async () => {
    await expect(generate({ n: 0 })).rejects.toThrow("No video generated.");
  });
});

describe("a call that the model cannot meet exactly", () => {
  it("the nearest values are taken, each with a warning", async () => {
    const { creations, send } = recorded();
    const { warnings } = await generate(
      {
        resolution: "99999x99999",
        duration: 60,
        fps: 1000,
        generateAudio: true,
        inputReferences: ["aGVsbG8="],
      },
      { fetch: send },
    );
    const features = warnings.map((warning) =>
      warning.type === "unsupported" ? warning.feature : warning.type,
    );
    expect(features).toEqual(["resolution", "fps", "duration", "generateAudio", "inputReferences"]);
    expect(creations[0]!.body).toMatchObject({
      size: "64x64",
      num_frames: expect.any(Number),
      fps: expect.any(Number),
    });
  });

  it("values that the model has are taken without a word", async () => {
    const { creations, send } = recorded();
    const { warnings } = await generate(
      { resolution: "64x64", aspectRatio: "1:1", duration: 2, fps: 8 },
      { fetch: send },
    );
    expect([warnings, creations[0]!.body]).toEqual([
      [],
      expect.objectContaining({ size: "64x64", num_frames: 16, fps: 8 }),
    ]);
  });
});

describe("a call that is repeated", () => {
  it("a lost answer makes no second video, since all attempts have one key", async () => {
    const { creations, send } = recorded(async (create, nth) => {
      const answer = await create();
      return nth === 0
        ? new Response("bad gateway", { status: 502, headers: { "retry-after": "0" } })
        : answer;
    });
    const before = await countOf();
    const { videos } = await generate({ maxRetries: 1 }, { fetch: send });
    expect([videos.length, (await countOf()) - before]).toEqual([1, 1]);
    expect(creations[1]!.key).toBe(creations[0]!.key);
  });

  it("each of several videos has a key of its own, also when the caller names one", async () => {
    const { creations, send } = recorded();
    await generate({ n: 2, headers: { "Idempotency-Key": "order-42" } }, { fetch: send });
    expect(creations.map(({ key }) => key)).toEqual(["order-42-0", "order-42-1"]);
  });

  it("videos that were made before a refusal are cancelled", async () => {
    const { send } = recorded(async (create, nth) => {
      if (nth < 2) return create();
      return Response.json({ error: { message: "No more." } }, { status: 400 });
    });
    const { ids, fetch: tracked } = trackingIds(send);
    await expect(generate({ n: 3 }, { fetch: tracked })).rejects.toThrow("No more.");
    const videos = await Promise.all(ids.map((id) => service.api.get(id)));
    expect(videos.length).toBe(2);
    // The worker of this test may have completed one before it was cancelled.
    for (const { status, error } of videos) expect([status, error?.code ?? null]).toEqual(ended(status));
  });
});

const ended = (status: string) => (status === "completed" ? ["completed", null] : ["failed", "canceled"]);

/** Keeps the ids of the videos that are created. */
function trackingIds(send: typeof fetch): { ids: string[]; fetch: typeof fetch } {
  const ids: string[] = [];
  return {
    ids,
    fetch: async (input, init) => {
      const answer = await send(input, init);
      if (init?.method === "POST" && /\/v1\/videos$/.test(String(input)) && answer.ok)
        ids.push(((await answer.clone().json()) as { id: string }).id);
      return answer;
    },
  };
}

describe("a video that ends otherwise", () => {
  let idle: LoopbackService;
  beforeAll(async () => {
    idle = await startLoopbackService({ hasWorker: false });
  });
  afterAll(() => idle.stop());

  async function started(n = 1) {
    const { ids, fetch: tracked } = trackingIds(fetch);
    const model = connect({ fetch: tracked, baseURL: idle.origin, apiKey: idle.api.ownKey });
    const { operation } = await experimental_startVideo({ model, prompt, n });
    return { model, operation, ids };
  }

  it("a video that was cancelled is an error, not pending for ever", async () => {
    const { model, operation, ids } = await started();
    await idle.api.send("POST", `/v1/videos/${ids[0]}/cancel`);
    const status = await experimental_getVideoStatus(model, { operation });
    expect(status).toMatchObject({ status: "error", error: expect.stringContaining("canceled") });
  });

  it("a video that was deleted is refused at once", async () => {
    const { model, operation, ids } = await started();
    await idle.api.send("DELETE", `/v1/videos/${ids[0]}`);
    await expect(experimental_getVideoStatus(model, { operation })).rejects.toThrow(
      "There is no video with this id.",
    );
  });

  it("the finished ones of several videos are not lost when another fails", async () => {
    const { model, operation, ids } = await started(2);
    await idle.api.complete(ids[0]!);
    await idle.api.send("POST", `/v1/videos/${ids[1]}/cancel`);
    const status = await experimental_getVideoStatus(model, { operation });
    expect(status).toMatchObject({
      status: "completed",
      videos: [{ type: "binary" }],
      warnings: [{ type: "other", message: expect.stringMatching(/^1 of 2 videos failed: /) }],
    });
  });

  it("a video under way is pending, and an operation of somebody else is refused", async () => {
    const { model, operation } = await started();
    expect(await experimental_getVideoStatus(model, { operation })).toMatchObject({ status: "pending" });
    await expect(experimental_getVideoStatus(model, { operation: "task_1" })).rejects.toThrow(
      "This operation is not one of Adareel: pass on what startVideo returned.",
    );
  });

  it("a conflict is not asked again", async () => {
    let downloads = 0;
    const send: typeof fetch = async (input, init) => {
      if (!String(input).includes("/content")) return fetch(input, init);
      downloads++;
      return Response.json({ error: { message: "This video has no outputs yet." } }, { status: 409 });
    };
    await expect(generate({ maxRetries: 2 }, { fetch: send })).rejects.toThrow(
      "This video has no outputs yet.",
    );
    expect(downloads).toBe(1);
  });
});
