import { readFileSync } from "node:fs";
import { join } from "node:path";
import OpenAI7 from "openai";
import OpenAI6_3 from "openai-6-3";
import OpenAI6_49 from "openai-6-49";
import { beforeAll, describe, expect, it } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { LIMITS, type TestApi, testApi } from "./support.ts";

const PICTURE = join(import.meta.dirname, "../golden/pipelines/open-sora/first.png");

/* What a client does when something goes wrong between both; test/conformance has what it does otherwise. */

/** Client of any version: the three versions have the same methods and send different requests. */
type Sdk = typeof OpenAI7;
const SDKS: readonly [version: string, sdk: Sdk][] = [
  ["7.57.0", OpenAI7],
  ["6.49.0", OpenAI6_49 as unknown as Sdk],
  ["6.3.0", OpenAI6_3 as unknown as Sdk],
];

interface Transport {
  readonly key?: string;
  /** Called with the answer to each request of the API; a rejection is a broken connection. */
  readonly onAnswer?: (answer: Response, call: number) => Promise<void>;
}

/** Returns a client that calls the app without a network, and the paths of its requests. */
function connect(OpenAI: Sdk, api: TestApi, { key = api.ownKey, onAnswer }: Transport = {}) {
  const calls: string[] = [];
  const transport = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    // The client uses a data: URL to test whether fetch supports forms.
    if (url.protocol === "data:") return fetch(url, init);
    calls.push(url.pathname);
    const answer = await api.app.request(new Request(url, init));
    await onAnswer?.(answer, calls.length);
    // Shortens the waiting time between retries.
    if (answer.headers.has("retry-after")) answer.headers.set("retry-after-ms", "1");
    return answer;
  };
  const client = new OpenAI({ apiKey: key, baseURL: "https://api.test/v1", fetch: transport });
  return { client, calls };
}

/** Returns the error of a call. */
async function refusal(call: PromiseLike<unknown>) {
  const error = await Promise.resolve(call).then(
    () => expect.unreachable(),
    (cause: unknown) => cause,
  );
  return error as InstanceType<Sdk["APIError"]>;
}

const prompt = "a red circle";

describe.each(SDKS)("the openai client %s", (version, OpenAI) => {
  let api: TestApi;
  beforeAll(async () => {
    api = await testApi();
  });

  it("an OpenAI client throws its own errors, with code, parameter and request id", async () => {
    const { client } = connect(OpenAI, api);
    const reused = { headers: { "Idempotency-Key": `reused by ${version}` } };
    await client.videos.create({ prompt }, reused);
    const table: [() => PromiseLike<unknown>, { prototype: Error }, object][] = [
      [() => client.videos.retrieve("a/b?c"), OpenAI.NotFoundError, { code: "video_not_found", param: null }],
      [
        () => client.videos.create({ prompt, ...{ colours: 1 } }),
        OpenAI.BadRequestError,
        { code: "unknown_parameter", param: "colours" },
      ],
      [
        () => client.videos.create({ prompt: "another" }, reused),
        OpenAI.UnprocessableEntityError,
        { code: "idempotency_key_reused" },
      ],
      [
        () => connect(OpenAI, api, { key: "adr_wrong" }).client.videos.list(),
        OpenAI.AuthenticationError,
        { code: "invalid_api_key" },
      ],
    ];
    for (const [call, errorClass, members] of table) {
      const error = await refusal(call());
      expect(Object.getPrototypeOf(error)).toBe(errorClass.prototype);
      expect(error).toMatchObject({ type: "invalid_request_error", ...members });
      expect(error.requestID).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it("an OpenAI client sends a picture as a file and as a URL, and a retry makes no second video", async () => {
    const [{ name, limits }] = api.deps.models;
    const models = [{ name, limits: { ...limits, takes_image: true } }] as const;
    const store = memoryStore();
    const having = await testApi({ store, models, limits: { ...LIMITS, pictureBodyBytesMax: 1e6 } });
    const answers: number[] = [];
    const { client } = connect(OpenAI, having, {
      async onAnswer(_, call) {
        answers.push(call);
        if (call === 1) throw new TypeError("The connection broke.");
      },
    });
    const file = await OpenAI.toFile(readFileSync(PICTURE), "first.png");
    const first = await client.videos.create({ prompt, input_reference: file });
    expect(answers).toEqual([1, 2]);
    const data = `data:image/png;base64,${readFileSync(PICTURE, "base64")}`;
    const other = await client.videos.create({ prompt, input_reference: { image_url: data } } as never);
    expect([first, other].map((video) => (video as unknown as Video).params.input_reference?.width)).toEqual([
      32, 32,
    ]);
    expect([...store.objects.keys()].filter((key) => key.startsWith("inputs/"))).toHaveLength(2);
  });

  it("an OpenAI client does not repeat requests that cannot succeed", async () => {
    const { client, calls } = connect(OpenAI, api);
    const { id } = await client.videos.create({ prompt });
    calls.length = 0;
    const early = await refusal(client.videos.downloadContent(id));
    expect(early).toBeInstanceOf(OpenAI.ConflictError);
    expect(early).toMatchObject({ code: "video_not_ready" });
    expect(calls).toHaveLength(1);
    const edit = await refusal(client.post("/videos/edits", { body: { prompt } }));
    expect(edit).toMatchObject({ status: 501, code: "not_supported" });
    const sync = await refusal(client.post("/videos/sync", { body: { prompt } }));
    expect(sync).toMatchObject({
      code: "not_supported",
      message: expect.stringContaining(
        "Send POST /v1/videos with Prefer: wait=25, then GET /v1/videos/{id}/content.",
      ),
    });
    expect(calls).toHaveLength(3);
  });

  it("an OpenAI client tries again while the queue is full", async () => {
    const full = await testApi({ limits: { ...api.deps.limits, unfinishedMax: 1 } });
    const { id } = await full.create();
    const statuses: number[] = [];
    const { client } = connect(OpenAI, full, {
      onAnswer: async ({ status }) => {
        if (statuses.push(status) === 1) await full.complete(id);
      },
    });
    expect(await client.videos.create({ prompt })).toMatchObject({ status: "queued" });
    expect(statuses).toEqual([429, 200]);
  });

  it.each([
    ["by itself", undefined],
    ["with an idempotency key", { headers: { "Idempotency-Key": "mine" } }],
  ])("an OpenAI client makes one video where the first answer was lost, %s", async (_title, options) => {
    const lossy = await testApi();
    const { client, calls } = connect(OpenAI, lossy, {
      onAnswer: async (_answer, call) => {
        if (call === 1) throw new TypeError("fetch failed");
      },
    });
    const { id } = await client.videos.create({ prompt }, options);
    expect(calls).toHaveLength(2);
    const { records } = await lossy.deps.jobs.list("acme", { limit: 10 });
    expect(records.map((record) => record.id)).toEqual([id]);
  });
});
