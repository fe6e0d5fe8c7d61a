import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { videoCreateSchema } from "../../functions/api/schemas/video-request.ts";
import { ourName } from "../../lib/generation/request/index.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { expectProblem, type Problem } from "./problem.ts";
import { type TestApi, testApi } from "./support.ts";

let api: TestApi;
beforeAll(async () => {
  api = await testApi({ store: memoryStore() });
});

async function answerTo(method: string, path: string, options: object): Promise<Problem["error"]> {
  const answer = await api.send(method, path, options);
  const { error } = (await answer.clone().json()) as Problem;
  await expectProblem(answer, error.code);
  return error;
}

const CACHE = "off, auto, fast, slow, static:3, at_least:35dB, at_most:60s or computed_steps:12";

describe("POST /v1/videos", () => {
  it.each<[body: object, param: string | null, sentence: string]>([
    [{}, "prompt", "The prompt is missing: say what the video should show."],
    [{ prompt: "" }, "prompt", "The prompt is empty: say what the video should show."],
    [{ prompt: 5 }, "prompt", "prompt is a text of at most 2000 characters, not 5."],
    [{ prompt: "x".repeat(2001) }, "prompt", "prompt is a text of at most 2000 characters, not one of 2001."],
    [[], null, "The body is an object, not an empty list."],
    [{ promt: "x" }, "promt", "There is no field promt: did you mean prompt?"],
    [
      { input: { prompt: "x" } },
      "input",
      "input is not supported: send its fields themselves, without an object around them.",
    ],
    [
      { prompt: "x", seconds: "4" },
      "seconds",
      "This model makes 2 s (16 frames at 8 a second); 4 s is not possible.",
    ],
    [{ prompt: "x", seconds: 4, fps: 24 }, "fps", "This model makes 8 frames a second; 24 is not possible."],
    [{ prompt: "x", seconds: "two" }, "seconds", "seconds must be a number of seconds above 0, such as 2."],
    [{ prompt: "x", size: "1280x720" }, "size", "This model makes 64x64; 1280x720 is not possible."],
    [{ prompt: "x", size: "64" }, "size", "size must be width x height in pixels, such as 64x64."],
    [{ prompt: "x", num_frames: 17 }, "num_frames", "This model makes 16 frames; 17 is not possible."],
    [{ prompt: "x", fps: 24 }, "fps", "This model makes 8 frames a second; 24 is not possible."],
    [{ prompt: "x", steps: 0 }, "steps", "steps is a whole number from 1 to 1000, not 0."],
    [
      { prompt: "x", steps: "30" },
      "steps",
      "steps is a whole number from 1 to 1000, not a text: write it without quotes.",
    ],
    [
      { prompt: "x", seed: -2 },
      "seed",
      "seed is a whole number of at least -1, not -2; leave it out to draw one.",
    ],
    [{ prompt: "x", compare: "yes" }, "compare", "compare is true or false, not a text."],
    [{ prompt: "x", cache: "quick" }, "cache", `cache must be ${CACHE}.`],
    [
      { prompt: "x", cache: { codebook: [{ rate: "4" }] } },
      "cache.codebook.0.rate",
      "cache.codebook row 1: rate is a whole number of at least 1, not a text: write it without quotes.",
    ],
    [
      { prompt: "x", cache: { codebook: [] } },
      "cache.codebook",
      'cache.codebook is a list of rows, such as [{"below": 0.1, "rate": 4}, {"rate": 1}], not an empty one.',
    ],
    [{ prompt: "x", timeout: 5 }, "timeout", "timeout is a whole number from 10 to 21600, not 5."],
    [
      { prompt: "x", metadata: { a: 1 } },
      "metadata.a",
      "metadata.a is a text of at most 512 characters, not 1.",
    ],
    [
      { prompt: "x", webhook_events: ["video.complete"] },
      "webhook_events.0",
      "webhook_events entry 1 must be video.queued, video.in_progress, video.completed or video.failed: " +
        "did you mean video.completed?",
    ],
    [
      { prompt: "x", webhook_url: "http://127.0.0.1:9/h" },
      "webhook_url",
      "A webhook URL must start with https://.",
    ],
    [
      { prompt: "x", video_reference: {} },
      "video_reference",
      "video_reference is not supported: videos are made from text, and from pictures as input_reference and last_image.",
    ],
    [{ prompt: "x", duration: 4 }, "duration", 'There is no field duration: write "seconds": 4.'],
    [{ prompt: "x", duration: "5s" }, "duration", 'There is no field duration: write "seconds": 5.'],
    [
      { prompt: "x", aspect_ratio: "16:9" },
      "aspect_ratio",
      "There is no field aspect_ratio: write size, width x height in pixels, such as 64x64.",
    ],
    [{ prompt: "x", width: 64 }, "width", "width needs height: give both, or size."],
    [
      { prompt: "x", width: 64, height: 32, size: "64x64" },
      "size",
      "size and width say different things: give one of them.",
    ],
    [{ prompt: "x", guidance: 7.5 }, "guidance", 'There is no field guidance: write "guidance_scale": 7.5.'],
    [
      { prompt: "x", inference_steps: 20 },
      "inference_steps",
      'There is no field inference_steps: write "steps": 20.',
    ],
    [
      { prompt: "x", negativePrompt: "y" },
      "negativePrompt",
      "There is no field negativePrompt: write negative_prompt.",
    ],
    [{ prompt: "x", webhookUrl: "y" }, "webhookUrl", "There is no field webhookUrl: write webhook_url."],
    [
      { prompt: "x", callback_url: "y" },
      "callback_url",
      "There is no field callback_url: write webhook_url.",
    ],
    [
      { prompt: "x", image_url: "y" },
      "input_reference",
      "The URL of a picture must be a complete URL such as https://example.com/picture.png.",
    ],
    [
      { prompt: "x", n: 2 },
      "n",
      "n is only taken as 1: a request makes one video, so send a request for each, with a seed of its own.",
    ],
  ])("the body %j is answered by its own sentence", async (json, param, sentence) => {
    const error = await answerTo("POST", "/v1/videos", { json });
    expect([error.param, error.message]).toEqual([param, sentence]);
  });

  it.each([
    [
      "{prompt: 1}",
      "The body is not JSON from line 1, character 2 on: names and texts stand in double quotes.",
    ],
    ['{"prompt": "x",\n  "steps": }', "The body is not JSON"],
    ['{"prompt": "x"', "The body is not JSON: it ends too early, at line 1, character 15."],
    [" ", "The body is not JSON: it is blank."],
    [new Uint8Array([0x22, 0xff, 0x22]), "The body is not text in UTF-8."],
  ])("the body %s is not JSON, and the answer says where if that is known", async (body, sentence) => {
    const { code, message } = await answerTo("POST", "/v1/videos", {
      body,
      headers: { "content-type": "application/json" },
    });
    expect(code).toBe("invalid_json");
    expect(message.startsWith(sentence.replace(/\.$/, ""))).toBe(true);
  });

  it("a wrong content type is answered with the right ones", async () => {
    const { message } = await answerTo("POST", "/v1/videos", {
      body: "prompt: x",
      headers: { "content-type": "application/yaml" },
    });
    expect(message).toBe(
      "The header Content-Type must be application/json, multipart/form-data or application/x-www-form-urlencoded, " +
        "not application/yaml.",
    );
  });

  it("a service that can allow loopback says by which setting", async () => {
    const webhookUrls = {
      allowLoopback: false,
      loopbackSetting: "ALLOW_LOOPBACK_WEBHOOKS=1",
      blockedHosts: [],
    };
    const local = await testApi({ store: memoryStore(), webhookUrls });
    const json = { prompt: "x", webhook_url: "http://127.0.0.1:9/h" };
    const { detail } = await expectProblem(
      await local.send("POST", "/v1/videos", { json }),
      "invalid_webhook_url",
      "webhook_url",
    );
    expect(detail).toBe(
      "A webhook URL must lead to a host on the public internet: " +
        "to send to this machine, start the service with ALLOW_LOOPBACK_WEBHOOKS=1.",
    );
  });
});

it.each<[method: string, path: string, json: object | undefined, sentence: string]>([
  ["GET", "/v1/videos?limit=0", undefined, "limit is a whole number from 1 to 100, not 0."],
  ["GET", "/v1/videos?limit=ten", undefined, "limit must be a whole number from 1 to 100."],
  ["GET", "/v1/videos?order=up", undefined, "order must be desc or asc."],
  [
    "GET",
    "/v1/videos?status=complete",
    undefined,
    "status must be queued, in_progress, completed or failed: did you mean completed?",
  ],
  ["GET", "/v1/videos?after=x", undefined, "after must be the id of a video."],
  [
    "GET",
    "/v1/videos?page=2",
    undefined,
    "There is no field page: choose from after, limit, order and status.",
  ],
  [
    "GET",
    "/v1/videos?metadata=42",
    undefined,
    "There is no field metadata: write metadata[name]=value, with a name of yours.",
  ],
  ["PUT", "/v1/videos", {}, "This path takes POST, GET and HEAD, not PUT."],
  [
    "POST",
    "/v1/webhook_endpoints",
    {},
    "url is missing: it must be a URL of at most 2048 characters, such as https://example.com/hook.",
  ],
  [
    "POST",
    "/v1/triggers",
    { prompt: "{{/a}}" },
    "signature is missing: it must be an object with scheme and secret.",
  ],
  [
    "POST",
    "/v1/triggers",
    { prompt: "{{/a}}", signature: { scheme: "githb" } },
    "signature.scheme must be standard_webhooks, github or bearer: did you mean github?",
  ],
  [
    "POST",
    "/v1/triggers",
    { prompt: "{{/a}}", signature: { scheme: "github" }, filter: [{ pointer: "/a", equals: {} }] },
    "filter condition 1: equals is a text of at most 512 characters, a number, true or false, or null, not an object.",
  ],
  [
    "POST",
    "/v1/triggers",
    { prompt: "{{/a}}", signature: { scheme: "github" }, video: { duration: 2 } },
    'There is no field duration in video: write "seconds": 2.',
  ],
])("%s %s with %j is answered by its own sentence", async (method, path, json, sentence) => {
  expect((await answerTo(method, path, { json })).message).toBe(sentence);
});

it("a name that other services use is never one of ours, and is answered with a field of ours", () => {
  const fields = Object.keys(z.toJSONSchema(videoCreateSchema(10), { io: "input" }).properties!);
  for (const name of ["duration", "aspect_ratio", "webhook", "frames", "inference_steps", "fal_webhook"]) {
    expect(fields).not.toContain(name);
    const [, written] = /^write "?(\w+)/.exec(ourName(name, {}, fields) ?? "") ?? [];
    expect(fields).toContain(written);
  }
  expect(ourName("duration", {}, ["url"])).toBeUndefined();
});
