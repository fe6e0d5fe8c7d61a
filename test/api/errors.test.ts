import { beforeAll, describe, expect, it } from "vitest";
import { StoreError } from "../../lib/service/storage/index.ts";
import { intercepted } from "../service/jobs/failing-store.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { expectProblem } from "./problem.ts";
import { type TestApi, testApi } from "./support.ts";

let api: TestApi;
beforeAll(async () => {
  api = await testApi({ store: memoryStore() });
});

const post = (json: unknown) => api.send("POST", "/v1/videos", { json });

describe("a create", () => {
  it.each([
    ["a misspelt field", { prmpt: "a" }, "prmpt", "There is no field prmpt: did you mean prompt?"],
    [
      "a field nobody knows in cache",
      { cache: { policy: "off", treshold: 1 } },
      "cache.treshold",
      "There is no field treshold in cache: " +
        "choose from policy, codebook, motion_regularisation, warmup_steps, forecast, at_least, at_most and computed_steps.",
    ],
    [
      "a field nobody knows in a row of the codebook",
      { cache: { codebook: [{ rate: 1, above: 2 }] } },
      "cache.codebook.0.above",
      "There is no field above in cache.codebook row 1: choose from below and rate.",
    ],
    [
      "a field nobody knows in the constants",
      { cache: { codebook: [{ rate: 1 }], motion_regularisation: { gain: 2 } } },
      "cache.motion_regularisation.gain",
      "There is no field gain in cache.motion_regularisation: " +
        "choose from reference, power, divisor, gradientGain and window.",
    ],
    [
      "a field nobody knows in extra_body",
      { extra_body: { colours: [] } },
      "colours",
      "There is no field colours: /docs lists all fields.",
    ],
  ])("a create with %s is refused by the field's name", async (_title, fields, param, sentence) => {
    const { detail } = await expectProblem(
      await post({ prompt: "a", ...fields }),
      "unknown_parameter",
      param,
    );
    expect(detail).toBe(sentence);
  });

  it.each([
    ["no prompt", { prompt: undefined }, "prompt", /^The prompt is missing: say what/],
    ["a blank prompt", { prompt: " \n " }, "prompt", /^The prompt is empty: say what the video should show/],
    [
      "a model that is not there",
      { model: "sora-2" },
      "model",
      /^This deployment has no such model: choose demo\.$/,
    ],
    ["a size that is none", { size: "64" }, "size", /such as 64x64/],
    ["a size the model cannot make", { size: "1280x720" }, "size", /makes 64x64; 1280x720 is not possible/],
    ["seconds that are none", { seconds: "two" }, "seconds", /^seconds must be a number of seconds/],
    ["seconds the model cannot make", { seconds: "3" }, "seconds", /makes 2 s .*; 3 s is not possible/],
    ["frames the model cannot make", { num_frames: 17 }, "num_frames", /makes 16 frames; 17 is not possible/],
    ["frames and seconds at odds", { num_frames: 16, seconds: 1 }, "num_frames", /say different things/],
    ["a rate the model cannot make", { fps: 24 }, "fps", /makes 8 frames a second; 24 is not possible/],
    ["steps of two minds", { steps: 5, num_inference_steps: 6 }, "steps", /say different things/],
    ["half a step", { steps: 1.5 }, "steps", /from 1 to 1000, not 1.5\.$/],
    ["a seed too large", { seed: 2 ** 53 }, "seed", /from -1 to 9007199254740991, not 9007199254740992/],
    ["a cache that is none", { cache: "quick" }, "cache", /must be off, auto, fast, slow, static:3/],
    ["a promise of 0 dB", { cache: { at_least: 0 } }, "cache.at_least", /from 1 to 100, .*, not 0\.$/],
    ["a deadline of more than a day", { cache: { at_most: "25h" } }, "cache.at_most", /to 24 h/],
    ["more computed steps than steps", { steps: 5, cache: { computed_steps: 6 } }, "cache", /1 to the 5 of/],
    ["two promises", { cache: { at_most: 60, computed_steps: 6 } }, "cache", /: give one promise\.$/],
    ["a promise beside a policy", { cache: { policy: "fast", at_most: 60 } }, "cache", /both policy and/],
    ["a quality that is none", { quality: "best" }, "quality", /^quality must be lossless or high\.$/],
    ["a cache of another type", { cache: 5 }, "cache", /^cache is off, auto, .*, not 5\.$/],
    [
      "policy and codebook",
      { cache: { policy: "off", codebook: [{ rate: 1 }] } },
      "cache",
      /both policy and codebook: give one of them/,
    ],
    [
      "constants without a codebook",
      { cache: { motion_regularisation: { power: 2 } } },
      "cache.motion_regularisation",
      /takes constants only together with a codebook of your own/,
    ],
    [
      "a codebook out of order",
      { cache: { codebook: [{ below: 2, rate: 1 }, { below: 1, rate: 1 }, { rate: 1 }] } },
      "cache.codebook.1.below",
      /^cache.codebook row 2: below is a number above the 2 of the row before it, not 1\.$/,
    ],
    [
      "too much metadata",
      { metadata: Object.fromEntries([..."abcdefghijklmnopq"].map((k) => [k, ""])) },
      "metadata",
      /more than 16 entries/,
    ],
    ["a timeout of a fraction", { timeout: 10.5 }, "timeout", /a whole number from 10 to 21600, not 10.5/],
    ["a timeout too short", { timeout: 1 }, "timeout", /a whole number from 10 to 21600, not 1\.$/],
    [
      "events without an address",
      { webhook_events: ["video.failed"] },
      "webhook_events",
      /needs a webhook_url: give both or neither/,
    ],
    [
      "an event nobody knows",
      { webhook_url: "https://a.example", webhook_events: ["x"] },
      "webhook_events.0",
      /^webhook_events entry 1 must be video.queued, /,
    ],
  ])("a create with %s is refused as an invalid value", async (_title, fields, param, sentence) => {
    const { detail } = await expectProblem(await post({ prompt: "a", ...fields }), "invalid_value", param);
    expect(detail).toMatch(sentence);
  });

  it("a create with a promise in dB is refused where the model has no table", async () => {
    const [{ name, limits }] = api.deps.models;
    const models = (has_cache_table: boolean) => [{ name, limits: { ...limits, has_cache_table } }] as const;
    const without = await testApi({ store: memoryStore(), models: [...models(false)] });
    for (const [fields, param] of [
      [{ quality: "high" }, "quality"],
      [{ cache: { at_least: "35dB" } }, "cache"],
    ] as const) {
      const answer = await without.send("POST", "/v1/videos", { json: { prompt: "a", ...fields } });
      const { detail } = await expectProblem(answer, "invalid_value", param);
      expect(detail).toMatch(
        /^A promise in dB needs a table .*: run npm run models -- calibrate demo --table\.$/,
      );
    }
    const having = await testApi({ store: memoryStore(), models: [...models(true)] });
    expect((await having.create({ quality: "high" })).params.cache.policy).toBe("at_least:40dB");
  });

  it("a create with a picture is refused by a model that takes none, as JSON and as a file", async () => {
    const json = { prompt: "a", input_reference: { image_url: "https://a.example/b.png" } };
    await expectProblem(await post(json), "invalid_value", "input_reference");
    const form = new FormData();
    form.append("prompt", "a");
    form.append("input_reference", new Blob([new Uint8Array([0xff, 0xd8])]), "a.jpg");
    const answer = await api.send("POST", "/v1/videos", { form });
    await expectProblem(answer, "invalid_picture", "input_reference");
  });

  it.each([
    "http://hooks.example.com",
    "https://localhost/hook",
    "https://169.254.169.254/latest",
    "https://[::1]/",
    "https://2130706433/",
    "https://user:pass@hooks.example.com",
    "https://api.test/v1/videos",
    "no url",
  ])("a create with the webhook_url %s is refused", async (webhook_url) => {
    await expectProblem(await post({ prompt: "a", webhook_url }), "invalid_webhook_url", "webhook_url");
  });

  it("an error never repeats the value of a field", async () => {
    const secret = "very-secret";
    for (const fields of [
      { seed: secret },
      { cache: secret },
      { size: secret },
      { metadata: { a: [secret] } },
    ]) {
      expect(await (await post({ prompt: "a", ...fields })).text()).not.toContain(secret);
    }
  });

  it("an error repeats at most one line of a long field name", async () => {
    for (const fields of [{ ["x".repeat(9000)]: 1 }, { metadata: { ["x".repeat(9000)]: "" } }]) {
      expect((await (await post({ prompt: "a", ...fields })).text()).length).toBeLessThan(1000);
    }
  });
});

it.each([
  ["POST", "/v1/videos/edits"],
  ["POST", "/v1/videos/extensions"],
  ["POST", "/v1/videos/characters"],
  ["GET", "/v1/videos/characters/char_1"],
])("%s %s is refused as not supported, and clients are told not to retry", async (method, path) => {
  const answer = await api.send(method, path);
  expect(answer.headers.get("x-should-retry")).toBe("false");
  const { detail } = await expectProblem(answer, "not_supported");
  expect(detail).toMatch(/^Videos are made from text/);
});

it.each([
  ["/v1/videos/video_00000000000000000000000000", "video_not_found"],
  ["/v1/videos/nothing", "video_not_found"],
  ["/v1/models/nothing", "not_found"],
  ["/v1/webhook_endpoints/nothing", "not_found"],
  ["/v1/nothing", "not_found"],
] as const)("GET %s is answered with %s", async (path, code) => {
  await expectProblem(await api.send("GET", path), code);
});

describe("an internal error", () => {
  const withStore = (fault: () => never) => {
    const store = memoryStore();
    const broken = intercepted(store, async (_name, key, operation) =>
      key.startsWith("jobs/") ? fault() : operation(),
    );
    return testApi({ store: broken });
  };

  it("a failing store is a 503 that says to try again and shows nothing of the reason but the request id", async () => {
    const broken = await withStore(() => {
      throw new StoreError("denied", "The folder /secret is not ours.");
    });
    const answer = await broken.send("POST", "/v1/videos", { json: { prompt: "a" } });
    expect(answer.headers.get("retry-after")).toBe("2");
    const { detail, request_id: id } = await expectProblem(answer, "storage_unavailable", null);
    expect(detail).toBe(
      `The service cannot use its store now: try again soon. Ask about it with the request id ${id}.`,
    );
  });

  it("any other internal error is a 500 that shows only the request id", async () => {
    const broken = await withStore(() => {
      throw new TypeError("secret is undefined");
    });
    const answer = await broken.send("GET", "/v1/videos");
    const { detail, request_id: id } = await expectProblem(answer, "internal_error", null);
    expect(detail).toBe(`The service failed. Ask about it with the request id ${id}.`);
  });
});
