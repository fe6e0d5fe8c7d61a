import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { intercepted } from "../service/jobs/failing-store.ts";
import { type MemoryStore, memoryStore } from "../service/jobs/memory-store.ts";
import { LIMITS, type SendOptions, type TestApi, testApi } from "./support.ts";

const png = readFileSync(join(import.meta.dirname, "../golden/pipelines/open-sora/first.png")); // 32x24
const sha256 = createHash("sha256").update(png).digest("hex");
const told = { type: "image/png", width: 32, height: 24, bytes: png.length, sha256 };
const dataUrl = `data:image/png;base64,${png.toString("base64")}`;
const other = Buffer.concat([png, Buffer.from("other")]);
const url = "https://pictures.example/a.png?signature=secret";

let demo: TestApi["deps"]["models"][0];
let store: MemoryStore;
let api: TestApi;

async function open(limits: object = {}, seen?: Parameters<typeof intercepted>[1]): Promise<TestApi> {
  store = memoryStore();
  const pictureLimits = { takes_image: true, takes_last_image: true, ...limits };
  return testApi({
    store: seen ? intercepted(store, seen) : store,
    models: [{ name: demo.name, limits: { ...demo.limits, ...pictureLimits } }],
    limits: { ...LIMITS, pictureBodyBytesMax: 40_000_000 },
  });
}

beforeAll(async () => {
  demo = (await testApi({ store: memoryStore() })).deps.models[0];
});
beforeEach(async () => {
  api = await open();
});

const post = (json: object, options: SendOptions = {}) =>
  api.send("POST", "/v1/videos", { json: { prompt: "a", ...json }, ...options });

function multipart(...parts: (readonly [string, string | Uint8Array, string?])[]): FormData {
  const form = new FormData();
  form.append("prompt", "a");
  for (const [name, value, filename = "photo.png"] of parts) {
    if (typeof value === "string") form.append(name, value);
    else form.append(name, new Blob([new Uint8Array(value)], { type: "application/octet-stream" }), filename);
  }
  return form;
}

const postForm = (...parts: Parameters<typeof multipart>) =>
  api.send("POST", "/v1/videos", { form: multipart(...parts) });

async function videoOf(answer: Response): Promise<Video> {
  const body = await answer.json();
  expect([answer.status, body]).toEqual([200, expect.anything()]);
  return body as Video;
}

async function errorOf(answer: Response): Promise<{ code: string; message: string; param: string | null }> {
  expect(answer.status).toBeLessThan(500);
  return ((await answer.json()) as { error: { code: string; message: string; param: string | null } }).error;
}

const inputKeys = () => [...store.objects.keys()].filter((key) => key.startsWith("inputs/"));
const recordOf = async (id: string) => (await api.deps.jobs.read({ tenant: "acme", id }))!;

describe("a picture in a request", () => {
  test.each<[string, () => Promise<Response>]>([
    ["a file of a form", () => postForm(["input_reference", png])],
    ["a data URL", () => post({ input_reference: dataUrl })],
    ["a data URL in an object", () => post({ input_reference: { image_url: dataUrl } })],
    ["a data URL in a form", () => postForm(["input_reference[image_url]", dataUrl])],
    ["an object in a form", () => postForm(["input_reference", JSON.stringify({ image_url: dataUrl })])],
    ["a file under a peer's name", () => postForm(["image", png])],
    ["a peer's object", () => post({ image_url: { url: dataUrl } })],
    [
      "a peer's object in a form",
      () => postForm(["image_reference", JSON.stringify({ image_url: dataUrl })]),
    ],
    [
      "OpenRouter's frames",
      () =>
        post({
          frame_images: [{ type: "image_url", image_url: { url: dataUrl }, frame_type: "first_frame" }],
        }),
    ],
  ])("%s is stored with the job, and told", async (_, send) => {
    const video = await videoOf(await send());
    expect(video.params).toMatchObject({ input_reference: told, last_image: null });
    const { inputs, params } = await recordOf(video.id);
    expect(params).toMatchObject({ image: "input_reference" });
    const { key } = inputs.input_reference!;
    expect(key.startsWith(`inputs/acme/${video.id}/`)).toBe(true);
    expect(Buffer.from(store.objects.get(key)!.body)).toEqual(png);
    expect(inputKeys()).toEqual([key]);
  });

  test("a picture behind a URL is fetched once, and nothing of the URL is kept", async () => {
    api.host.answer = { ok: true, body: png };
    const video = await videoOf(await post({ input_reference: url }));
    expect(video.params.input_reference).toEqual(told);
    expect(api.fetched).toEqual([url]);
    expect(Buffer.concat([...store.objects.values()].map(({ body }) => body)).includes("secret")).toBe(false);
  });

  test("first and last picture may be of different kinds", async () => {
    const video = await videoOf(await postForm(["input_reference", png], ["last_frame", dataUrl]));
    expect(video.params).toMatchObject({ input_reference: told, last_image: told });
    expect((await recordOf(video.id)).params).toMatchObject({
      image: "input_reference",
      lastImage: "last_image",
    });
    expect(inputKeys()).toHaveLength(2);
  });

  test("a picture keeps its own type, whatever the client says of it", async () => {
    const form = new FormData();
    form.append("prompt", "a");
    form.append("input_reference", new Blob([png], { type: "image/jpeg" }), "photo.heic");
    const video = await videoOf(await api.send("POST", "/v1/videos", { form }));
    expect(video.params.input_reference).toEqual(told);
  });

  test("a file field that a browser sends empty counts as left out", async () => {
    const video = await videoOf(await postForm(["input_reference", new Uint8Array(), ""]));
    expect(video.params.input_reference).toBeNull();
    expect((await videoOf(await postForm(["input_reference", ""]))).params.input_reference).toBeNull();
  });

  test("a picture of an earlier video is copied, and stays when that video is deleted", async () => {
    const first = await videoOf(await post({ input_reference: dataUrl }));
    const second = await videoOf(await post({ input_reference: { video_id: first.id } }));
    await api.send("DELETE", `/v1/videos/${first.id}`);
    expect(second.params.input_reference).toEqual(told);
    expect(inputKeys()).toEqual([(await recordOf(second.id)).inputs.input_reference!.key]);
    expect(await errorOf(await post({ input_reference: { video_id: first.id } }))).toMatchObject({
      code: "invalid_picture",
      message: "input_reference.video_id names no video with such a picture.",
    });
  });

  test("a picture of another tenant's video is not found", async () => {
    const { id } = await videoOf(await post({ input_reference: dataUrl }));
    const answer = await post({ input_reference: { video_id: id } }, { key: api.otherKey });
    expect(await errorOf(answer)).toMatchObject({ code: "invalid_picture" });
  });
});

describe("a picture that cannot be used", () => {
  test.each<[string, unknown, string]>([
    [
      "a web page",
      `data:text/html;base64,${btoa("<!doctype html><p>")}`,
      "input_reference is a web page: send a PNG",
    ],
    [
      "text in place of base64",
      "data:image/png;base64,!!!",
      "input_reference is a data URL that is not read",
    ],
    ["a data URL without base64", "data:image/png,abc", "input_reference is a data URL that is not read"],
    ["an empty data URL", "data:image/png;base64,", "input_reference is empty: send a PNG"],
    ["no URL", "photo.png", "The URL of a picture must be a complete URL"],
    ["a file URL", "file:///etc/passwd", "The URL of a picture must start with https:// or http://."],
    [
      "a private address",
      "http://169.254.169.254/a",
      "The URL of a picture must lead to a host on the public",
    ],
    ["this service", "https://api.test/a", "The URL of a picture may not lead to this service."],
  ])("%s is refused", async (_, input_reference, message) => {
    const error = await errorOf(await post({ input_reference }));
    expect(error).toMatchObject({ code: "invalid_picture", param: "input_reference" });
    expect(error.message.startsWith(message)).toBe(true);
    expect([api.fetched, inputKeys()]).toEqual([[], []]);
  });

  test("a file_id is refused, because there is no store of files", async () => {
    for (const answer of [
      await post({ input_reference: { file_id: "file-1" } }),
      await postForm(["input_reference[file_id]", "file-1"]),
    ]) {
      expect(await errorOf(answer)).toMatchObject({
        code: "unsupported_parameter",
        param: "input_reference",
        message:
          "input_reference.file_id is not supported: there is no store of files, so send the picture itself or its URL.",
      });
    }
  });

  test.each([[{}], [{ image_url: "" }], [{ url: "a" }], [7], [["a"]]])(
    "the value %j is refused",
    async (value) => {
      expect(await errorOf(await post({ input_reference: value }))).toMatchObject({
        param: expect.stringMatching(/^input_reference/),
      });
    },
  );

  test("an empty file, a file twice and a file beside a URL are refused", async () => {
    expect(await errorOf(await postForm(["input_reference", new Uint8Array()]))).toMatchObject({
      code: "invalid_picture",
    });
    expect(await errorOf(await postForm(["input_reference", png], ["input_reference", png]))).toMatchObject({
      message: "The form field input_reference is given more than once.",
    });
    expect(
      await errorOf(await postForm(["input_reference", png], ["input_reference[image_url]", dataUrl])),
    ).toMatchObject({ message: "The form field input_reference is given in two ways." });
    expect(await errorOf(await postForm(["input_reference", png], ["image", other]))).toMatchObject({
      message: "input_reference and image say different things: give one of them.",
    });
    expect(inputKeys()).toEqual([]);
  });

  test("a file in place of another field, or under an unknown name, is refused", async () => {
    expect(await errorOf(await postForm(["seed", png]))).toMatchObject({
      message: "seed cannot be a file: send it as a text.",
      param: "seed",
    });
    expect(await errorOf(await postForm(["mask", png]))).toMatchObject({
      code: "unknown_parameter",
      param: "mask",
    });
    expect(await errorOf(await postForm(["video_reference", png]))).toMatchObject({
      code: "unsupported_parameter",
    });
  });

  test("a host that gives no picture is named, with the reason", async () => {
    const reason = "The picture cannot be fetched from pictures.example: it answered with the status 403.";
    api.host.answer = { ok: false, reason };
    expect(await errorOf(await post({ input_reference: url }))).toEqual({
      type: "invalid_request_error",
      code: "picture_unreachable",
      message: reason,
      param: "input_reference",
    });
    api.host.answer = { ok: true, body: Buffer.from("<html>") };
    expect(await errorOf(await post({ input_reference: url }))).toMatchObject({ code: "invalid_picture" });
    expect([...store.objects.keys()].filter((key) => /^(inputs|jobs|unfinished)\//.test(key))).toEqual([]);
  });

  test("a body that is cut off stores nothing", async () => {
    const whole = new Uint8Array(await new Response(multipart(["input_reference", png])).arrayBuffer());
    const boundary = Buffer.from(whole).toString("latin1").split("\r\n")[0]!.slice(2);
    const headers = { "content-type": `multipart/form-data; boundary=${boundary}` };
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: whole.length - 5 }), async (length) => {
        const answer = await api.send("POST", "/v1/videos", { body: whole.slice(0, length), headers });
        expect(answer.status).toBe(400);
        expect(inputKeys()).toEqual([]);
      }),
      { numRuns: 40 },
    );
    expect((await api.send("POST", "/v1/videos", { body: whole, headers })).status).toBe(200);
  });
});

describe("a model", () => {
  test("a model that takes no picture refuses one, and none is fetched", async () => {
    api = await open({ takes_image: false, takes_last_image: false });
    expect(await errorOf(await post({ input_reference: url }))).toMatchObject({
      code: "invalid_value",
      param: "input_reference",
      message: "This model makes videos of a prompt alone, and takes no image.",
    });
    expect(api.fetched).toEqual([]);
  });

  test("a data URL that is longer than any picture is refused before it is decoded", async () => {
    const input_reference = `data:image/png;base64,${"A".repeat(15 * 2 ** 20)}`;
    expect(await errorOf(await post({ input_reference }))).toMatchObject({
      code: "invalid_picture",
      param: "input_reference",
      message: "input_reference has too many bytes: a picture may have at most 10485760.",
    });
  });

  test("a value that is no picture is answered by everything that is one", async () => {
    for (const input_reference of [[dataUrl], 5, true]) {
      const error = await errorOf(await post({ input_reference }));
      expect(error).toMatchObject({ code: "invalid_value", param: "input_reference" });
      expect((error as { message: string }).message).toMatch(
        /^input_reference is a picture: a file of a form, its URL, or \{"image_url": its URL\}, not /,
      );
    }
  });

  test("a model that needs a picture refuses a request without one", async () => {
    api = await open({ needs_image: true });
    expect(await errorOf(await post({}))).toMatchObject({
      param: "input_reference",
      message: "This model makes videos of a picture: give one.",
    });
  });

  test("a last picture needs a model that takes one, and a first one", async () => {
    expect(await errorOf(await post({ last_image: dataUrl }))).toMatchObject({ param: "last_image" });
    api = await open({ takes_last_image: false });
    expect(await errorOf(await post({ input_reference: dataUrl, last_image: dataUrl }))).toMatchObject({
      param: "last_image",
    });
  });

  test("a model that goes from one picture to another says so, and names the last one if it is missing", async () => {
    api = await open({ needs_image: true, needs_last_image: true });
    const { data } = (await (await api.send("GET", "/v1/models")).json()) as { data: object[] };
    expect(data[0]).toMatchObject({ needs_image: true, needs_last_image: true });
    expect(await errorOf(await post({ input_reference: dataUrl }))).toMatchObject({
      param: "last_image",
      message: "This model makes videos from one picture to another: give the last one, too.",
    });
  });

  test("a model tells which pictures it takes", async () => {
    const { data } = (await (await api.send("GET", "/v1/models")).json()) as { data: object[] };
    expect(data[0]).toMatchObject({
      takes_image: true,
      needs_image: false,
      takes_last_image: true,
      needs_last_image: false,
    });
  });
});

describe("a repetition of a request", () => {
  const headers = { "idempotency-key": "k1" };

  test("a repetition with the same picture is the same request, in whatever form", async () => {
    const first = await videoOf(
      await api.send("POST", "/v1/videos", { form: multipart(["input_reference", png]), headers }),
    );
    for (const options of [
      { form: multipart(["input_reference", png, "renamed.bin"]) },
      { json: { prompt: "a", input_reference: dataUrl } },
      { json: { prompt: "a", input_reference: { image_url: dataUrl } } },
    ]) {
      const answer = await api.send("POST", "/v1/videos", { ...options, headers });
      expect(answer.headers.get("idempotent-replayed")).toBe("true");
      expect((await videoOf(answer)).id).toBe(first.id);
    }
    expect(inputKeys()).toHaveLength(1);
  });

  test("another picture under the same key is another request", async () => {
    await videoOf(await post({ input_reference: dataUrl }, { headers }));
    const answer = await api.send("POST", "/v1/videos", {
      form: multipart(["input_reference", other]),
      headers,
    });
    expect(await errorOf(answer)).toMatchObject({ code: "idempotency_key_reused" });
    expect(await errorOf(await post({}, { headers }))).toMatchObject({ code: "idempotency_key_reused" });
  });

  test("a repetition with a URL is answered without the host", async () => {
    api.host.answer = { ok: true, body: png };
    const first = await videoOf(await post({ input_reference: url }, { headers }));
    api.host.answer = { ok: false, reason: "It is gone." };
    expect((await videoOf(await post({ input_reference: url }, { headers }))).id).toBe(first.id);
    expect(api.fetched).toEqual([url]);
  });

  test("a request whose host failed may be repeated under its key", async () => {
    await post({ input_reference: url }, { headers });
    api.host.answer = { ok: true, body: png };
    expect((await videoOf(await post({ input_reference: url }, { headers }))).params.input_reference).toEqual(
      told,
    );
  });

  test("a retry of an OpenAI client after any failure of the store makes one job with its picture", async () => {
    for (let failing = 1; failing < 12; failing += 1) {
      let count = 0;
      api = await open({}, async (name, _key, operation) => {
        if (name === "put") count += 1;
        if (name !== "put" || count !== failing + 2) return operation();
        await operation();
        throw new StoreError("unavailable", "The answer was lost.");
      });
      const retry = (tries: number) =>
        api.send("POST", "/v1/videos", {
          form: multipart(["input_reference", png]),
          headers: { "x-stainless-retry-count": String(tries) },
        });
      let answer = await retry(0);
      for (let tries = 1; answer.status === 503 && tries < 4; tries += 1) answer = await retry(tries);
      const { id, params } = await videoOf(answer);
      expect(params.input_reference).toEqual(told);
      expect(store.objects.has((await recordOf(id)).inputs.input_reference!.key)).toBe(true);
      expect([...store.objects.keys()].filter((key) => key.startsWith("jobs/"))).toHaveLength(1);
    }
  });
});

describe("the end of a picture", () => {
  test("a deleted video has no picture left", async () => {
    const { id } = await videoOf(await post({ input_reference: dataUrl, last_image: dataUrl }));
    expect(inputKeys()).toHaveLength(2);
    await api.send("DELETE", `/v1/videos/${id}`);
    expect(inputKeys()).toEqual([]);
  });

  test("a remix keeps the picture of its original, also when that is deleted", async () => {
    const parent = await videoOf(await post({ input_reference: dataUrl }));
    const answer = await api.send("POST", `/v1/videos/${parent.id}/remix`, { json: { prompt: "b" } });
    const remix = await videoOf(answer);
    await api.send("DELETE", `/v1/videos/${parent.id}`);
    expect(remix.params.input_reference).toEqual(told);
    const { inputs, params } = await recordOf(remix.id);
    expect(params).toMatchObject({ prompt: "b", image: "input_reference" });
    expect(Buffer.from(store.objects.get(inputs.input_reference!.key)!.body)).toEqual(png);
  });
});

describe("a trigger", () => {
  const create = (video: object) =>
    api.send("POST", "/v1/triggers", {
      json: {
        prompt: "{{/title}}",
        signature: { scheme: "bearer", secret: "a-token-of-16-characters" },
        video,
      },
    });

  async function invoke(id: string, payload: object): Promise<Response> {
    return api.send("POST", `/v1/triggers/${id}/invoke`, { key: "a-token-of-16-characters", json: payload });
  }

  test("a payload's URL is fetched when it arrives, and its picture begins the video", async () => {
    api.host.answer = { ok: true, body: png };
    const trigger = (await (await create({ input_reference: "{{/picture}}" })).json()) as { id: string };
    expect(api.fetched).toEqual([]);
    const answer = await invoke(trigger.id, { title: "a", picture: url });
    expect(answer.status).toBe(202);
    const { video_id } = (await answer.json()) as { video_id: string };
    expect((await api.get(video_id)).params.input_reference).toEqual(told);
  });

  test("a dry run tells the URL and fetches nothing", async () => {
    const { id } = (await (await create({ input_reference: "https://a.example/{{/n}}.png" })).json()) as {
      id: string;
    };
    const answer = await api.send("POST", `/v1/triggers/${id}/dry_run`, {
      json: { payload: { title: "a", n: 7 } },
    });
    expect(await answer.json()).toMatchObject({ params: { input_reference: "https://a.example/7.png" } });
    expect(api.fetched).toEqual([]);
  });

  test("a payload without a URL, or with one that cannot be fetched, makes no video", async () => {
    const { id } = (await (await create({ input_reference: "{{/picture}}" })).json()) as { id: string };
    expect(await errorOf(await invoke(id, { title: "a" }))).toMatchObject({
      code: "template_field_missing",
      param: "/picture",
    });
    expect(await errorOf(await invoke(id, { title: "a", picture: "nope" }))).toMatchObject({
      code: "invalid_picture",
      param: "video.input_reference",
    });
    expect(await errorOf(await invoke(id, { title: "a", picture: url }))).toMatchObject({
      code: "picture_unreachable",
      param: "video.input_reference",
    });
  });

  test("a template that can come to no URL is refused when the trigger is made", async () => {
    for (const input_reference of [
      "ftp://a.example/{{/n}}",
      "{{/picture",
      "http://10.0.0.1/{{/n}}",
      "photo.png",
    ])
      expect(await errorOf(await create({ input_reference }))).toMatchObject({
        param: "video.input_reference",
      });
  });

  test("a trigger for a model without pictures refuses a template of one", async () => {
    api = await open({ takes_image: false });
    expect(await errorOf(await create({ input_reference: "{{/picture}}" }))).toMatchObject({
      code: "invalid_value",
      param: "video.input_reference",
    });
  });
});

test("a body that may not hold every picture is refused with the advice to send a URL", async () => {
  api = await testApi({ store: memoryStore(), limits: { ...LIMITS, pictureBodyBytesMax: 1000 } });
  expect(await errorOf(await postForm(["input_reference", new Uint8Array(1200)]))).toMatchObject({
    code: "body_too_large",
    message: "The body may have at most 1000 bytes: send the URL of a larger picture as input_reference.",
  });
});
