import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import type { ProblemCode } from "../../functions/api/problem.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { expectProblem } from "./problem.ts";
import { LIMITS, type SendOptions, type TestApi, testApi } from "./support.ts";

let api: TestApi;
beforeAll(async () => {
  api = await testApi({ store: memoryStore() });
});

async function countJobs(): Promise<number> {
  return (await api.deps.jobs.list("acme", { limit: 1000 })).records.length;
}

/** Asserts that creating a video is refused, and that no job is created. */
async function expectRefused(options: SendOptions, code: ProblemCode, param?: string | null): Promise<void> {
  const before = await countJobs();
  await expectProblem(await api.send("POST", "/v1/videos", options), code, param);
  expect(await countJobs()).toBe(before);
}

const JSON_TYPE = { "content-type": "application/json" };
const FORM_TYPE = { "content-type": "multipart/form-data; boundary=b" };

const latin1 = (text: string) => Buffer.from(text, "latin1");
const part = (name: string, value: string) =>
  `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const form = (...parts: string[]) => latin1(`${parts.join("")}--b--\r\n`);
const PROMPT = part("prompt", "a");

describe("a body of JSON", () => {
  it.each<[string, string | Uint8Array, ProblemCode, string?]>([
    ["that is cut off", '{"prompt":"a', "invalid_json"],
    ["that is two", '{"prompt":"a"}{}', "invalid_json"],
    ["that is JavaScript", "{prompt:'a'}", "invalid_json"],
    ["that is not UTF-8", latin1('{"prompt":"\xff"}'), "invalid_json"],
    ["in UTF-16", Buffer.from('{"prompt":"a"}', "utf16le"), "invalid_json"],
    ["of blanks", "  ", "invalid_json"],
    ["that is compressed", gzipSync('{"prompt":"a"}'), "invalid_json"],
    ["that is a list", "[]", "invalid_value"],
    ["that is null", "null", "invalid_value"],
    ["that is a text", '"prompt"', "invalid_value"],
    ["that is a number", "1e999", "invalid_value"],
    ["that is nested without end", "[".repeat(30_000) + "]".repeat(30_000), "invalid_value"],
    [
      "with metadata nested without end",
      `{"prompt":"a","metadata":${"[".repeat(999)}${"]".repeat(999)}}`,
      "invalid_value",
    ],
    ["with a prompt twice", '{"prompt":5,"prompt":5}', "invalid_value", "prompt"],
    ["with a seed of 1e999", '{"prompt":"a","seed":1e999}', "invalid_value", "seed"],
    ["with a seed of -2", '{"prompt":"a","seed":-2}', "invalid_value", "seed"],
    ["with a seed of 1.5", '{"prompt":"a","seed":1.5}', "invalid_value", "seed"],
    ["with a seed of 2^53", '{"prompt":"a","seed":9007199254740992}', "invalid_value", "seed"],
    ["with a seed of NaN", '{"prompt":"a","seed":NaN}', "invalid_json"],
    ["with -1 steps", '{"prompt":"a","steps":-1}', "invalid_value", "steps"],
    ["with 1e308 steps", '{"prompt":"a","steps":1e308}', "invalid_value", "steps"],
    ["with -1e308 seconds", '{"prompt":"a","seconds":-1e308}', "invalid_value", "seconds"],
    ["with 1e308 seconds", '{"prompt":"a","seconds":1e308}', "invalid_value", "seconds"],
    ["with 5e-324 seconds", '{"prompt":"a","seconds":5e-324}', "invalid_value", "seconds"],
    ["with a size of 00064x64", '{"prompt":"a","size":"064x128"}', "invalid_value", "size"],
    ["with a size beyond integers", '{"prompt":"a","size":"99999x99999"}', "invalid_value", "size"],
    ["with __proto__", '{"prompt":"a","__proto__":{"seed":1}}', "unknown_parameter", "__proto__"],
    ["with __proto__ within", '{"prompt":"a","cache":{"__proto__":{}}}', "unknown_parameter", "__proto__"],
    [
      "with __proto__ in metadata",
      '{"prompt":"a","metadata":{"__proto__":"x"}}',
      "unknown_parameter",
      "__proto__",
    ],
    [
      "with __proto__ in extra_body",
      '{"prompt":"a","extra_body":{"__proto__":{}}}',
      "unknown_parameter",
      "__proto__",
    ],
    ["with constructor", '{"prompt":"a","constructor":{}}', "unknown_parameter", "constructor"],
    ["with an extra_body that is none", '{"prompt":"a","extra_body":[]}', "unknown_parameter", "extra_body"],
  ])("a JSON body %s is refused", async (_title, body, code, param) => {
    await expectRefused({ body, headers: JSON_TYPE }, code, param);
  });

  it.each([
    ["NUL", "a\u0000b"],
    ["a lone surrogate", "a \ud800 b"],
    ["half a surrogate pair at its end", "a \ud83d"],
    ["a control character", "a\u001bb"],
    ["a C1 control character", "a\u0085b"],
    ["</s>", "a</s>b"],
    ["<PAD>", "<PAD>"],
    ["an extra id", "a <extra_id_0>"],
  ])("a JSON body with %s in the prompt or the negative prompt is refused", async (_title, text) => {
    await expectRefused({ json: { prompt: text } }, "invalid_value", "prompt");
    await expectRefused({ json: { prompt: "a", negative_prompt: text } }, "invalid_value", "negative_prompt");
  });

  const wrong: [string, unknown][] = [
    ["a boolean", true],
    ["a list", [1]],
    ["an object", { a: { b: 1 } }],
    ["a number", 1e21],
    ["an empty text", ""],
  ];
  const fields = {
    prompt: wrong,
    model: wrong,
    size: wrong,
    seconds: wrong,
    num_frames: wrong,
    fps: wrong,
    steps: wrong,
    num_inference_steps: wrong,
    guidance_scale: wrong,
    negative_prompt: wrong.filter(([title]) => title !== "an empty text"),
    seed: wrong,
    cache: wrong,
    compare: wrong.filter(([title]) => title !== "a boolean"),
    metadata: wrong,
    timeout: wrong,
    webhook_url: wrong,
    webhook_events: wrong,
  };
  const table = Object.entries(fields).flatMap(([field, values]) =>
    values.map(([title, value]) => [field, title, value] as const),
  );
  it.each(table)(
    "a JSON body with a %s that is %s is refused by the field's name",
    async (field, _title, value) => {
      const json = { prompt: "a", webhook_url: "https://hooks.example.com", [field]: value };
      const answer = await api.send("POST", "/v1/videos", { json });
      expect(answer.status).toBe(400);
      const { error } = (await answer.json()) as { error: { param: string } };
      expect(error.param.split(".")[0]).toBe(field);
    },
  );
});

describe("a form", () => {
  it.each<[string, Uint8Array, ProblemCode, string?]>([
    ["without an end", latin1(PROMPT), "invalid_multipart"],
    ["cut off in a header", latin1("--b\r\ncontent-disp"), "invalid_multipart"],
    ["with another boundary", latin1(PROMPT.replaceAll("--b", "--c")), "invalid_multipart"],
    ["without parts", form(), "invalid_value", "prompt"],
    ["with a prompt that is not UTF-8", form(part("prompt", "\xff")), "invalid_multipart"],
    ["with a surrogate in UTF-8", form(part("prompt", "\xed\xa0\x80")), "invalid_multipart"],
    ["with NUL", form(part("prompt", "a\0")), "invalid_value", "prompt"],
    ["with a prompt twice", form(PROMPT, PROMPT), "invalid_multipart", "prompt"],
    ["with a seed twice", form(PROMPT, part("seed", "1"), part("seed", "2")), "invalid_multipart", "seed"],
    ["with a field nobody knows", form(PROMPT, part("colours", "1")), "unknown_parameter", "colours"],
    ["with __proto__", form(PROMPT, part("__proto__", "1")), "unknown_parameter", "__proto__"],
    ["with __proto__ within", form(PROMPT, part("cache[__proto__]", "1")), "unknown_parameter", "__proto__"],
    ["with __proto__ around", form(PROMPT, part("__proto__[seed]", "1")), "unknown_parameter", "__proto__"],
    [
      "with __proto__ in JSON",
      form(PROMPT, part("metadata", '{"__proto__":"x"}')),
      "unknown_parameter",
      "__proto__",
    ],
    ["with constructor", form(PROMPT, part("constructor", "1")), "unknown_parameter", "constructor"],
    ["with prototype", form(PROMPT, part("prototype[a]", "1")), "unknown_parameter", "prototype"],
    ["with a name without end", form(PROMPT, part("cache[", "1")), "invalid_multipart", "cache["],
    ["with a name that is empty", form(PROMPT, part("", "1")), "invalid_multipart", ""],
    [
      "with a name that is nested without end",
      form(PROMPT, part(`a${"[a]".repeat(50)}`, "1")),
      "invalid_multipart",
    ],
    [
      "with a cache given in two ways",
      form(PROMPT, part("cache", "off"), part("cache[policy]", "off")),
      "invalid_multipart",
      "cache",
    ],
    ["with cache as broken JSON", form(PROMPT, part("cache", '{"policy"')), "invalid_value", "cache"],
    ["with a list for a number", form(PROMPT, part("seed[]", "1")), "invalid_value", "seed"],
    ["with an object for a number", form(PROMPT, part("seed[a]", "1")), "invalid_value", "seed"],
    ["with a seed of 1e999", form(PROMPT, part("seed", "1e999")), "invalid_value", "seed"],
    ["with a seed of NaN", form(PROMPT, part("seed", "NaN")), "invalid_value", "seed"],
    ["with a seed of Infinity", form(PROMPT, part("seed", "Infinity")), "invalid_value", "seed"],
    ["with a seed of 0x10", form(PROMPT, part("seed", "0x10")), "invalid_value", "seed"],
    ["with a seed of blanks", form(PROMPT, part("seed", " ")), "invalid_value", "seed"],
    ["with a truth of 2", form(PROMPT, part("compare", "2")), "invalid_value", "compare"],
  ])("a form %s is refused", async (_title, body, code, param) => {
    await expectRefused({ body, headers: FORM_TYPE }, code, param);
  });

  it.each(["prompt", "seed", "cache", "metadata", "cache[policy]", "webhook_events[]", "loras"])(
    "a form with a file for %s is refused",
    async (name) => {
      const files = new FormData();
      files.append("prompt", "a");
      files.append(name, new Blob([new Uint8Array([0, 255, 216])]), "a.png");
      await expectRefused({ form: files }, "unsupported_parameter", name);
    },
  );

  it("a form may have metadata of any name that JSON may have", async () => {
    const body = form(PROMPT, part("metadata[constructor]", "x"), part("metadata[toString]", "y"));
    const answer = await api.send("POST", "/v1/videos", { body, headers: FORM_TYPE });
    expect(await answer.json()).toMatchObject({ metadata: { constructor: "x", toString: "y" } });
  });
});

describe("a body", () => {
  it.each<[string, Record<string, string>]>([
    ["another type", { "content-type": "text/html" }],
    ["the type of a problem", { "content-type": "application/problem+json" }],
    ["a very long type", { "content-type": "a".repeat(50_000) }],
    ["a coding", { ...JSON_TYPE, "content-encoding": "gzip" }],
    ["two codings", { ...JSON_TYPE, "content-encoding": "identity, br" }],
  ])("a body of %s is refused", async (_title, headers) => {
    const body = Buffer.from('{"prompt":"a"}');
    await expectRefused({ body, headers }, "unsupported_media_type");
  });

  it.each<[string, Record<string, string>]>([
    ["no type", {}],
    ["a type that is none", { "content-type": ";;;" }],
    ["the type that curl sets", { "content-type": "application/x-www-form-urlencoded" }],
    ["the type that fetch sets", { "content-type": "text/plain;charset=UTF-8" }],
  ])("a body of JSON with %s is read", async (_title, headers) => {
    const answer = await api.send("POST", "/v1/videos", { body: Buffer.from(' {"prompt":"a"}'), headers });
    expect(answer.status).toBe(200);
  });

  it("a simple form is read, unless it is not UTF-8", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
    const body =
      "prompt=100% red+circle&steps=7&webhook_events%5B%5D=video.failed&webhook_url=https://hooks.example.com";
    const answer = await api.send("POST", "/v1/videos", { body, headers });
    expect(await answer.json()).toMatchObject({
      prompt: "100% red circle",
      params: { steps: 7, webhook_events: ["video.failed"] },
    });
    await expectRefused({ body: "prompt=%FF", headers }, "invalid_multipart");
    const replaced = await api.send("POST", "/v1/videos", { body: "prompt=%EF%BF%BD", headers });
    expect(replaced.status).toBe(200);
  });

  it("a form without a boundary is refused", async () => {
    const headers = { "content-type": "multipart/form-data" };
    const answer = await api.send("POST", "/v1/videos", { body: form(PROMPT), headers });
    const { detail } = await expectProblem(answer, "invalid_multipart");
    expect(detail).toBe(
      "The header Content-Type has no boundary: leave it to the HTTP client to set this header.",
    );
  });

  it("a form without a type is told the types that there are", async () => {
    const answer = await api.send("POST", "/v1/videos", { body: Buffer.from("prompt=a") });
    const { detail } = await expectProblem(answer, "unsupported_media_type");
    expect(detail).toBe(
      "The header Content-Type is missing: it must be application/json, multipart/form-data or " +
        "application/x-www-form-urlencoded.",
    );
  });

  it("a missing body counts as an empty one", async () => {
    await expectRefused({}, "invalid_value", "prompt");
    await expectRefused({ headers: JSON_TYPE, body: "" }, "invalid_value", "prompt");
    await expectRefused({ headers: FORM_TYPE, body: "" }, "invalid_value", "prompt");
  });

  it("a content type may be in any case and have a charset", async () => {
    const headers = { "content-type": "Application/JSON ; charset=utf-8", "content-encoding": "identity" };
    const answer = await api.send("POST", "/v1/videos", { body: '\ufeff{"prompt":"a"}', headers });
    expect(answer.status).toBe(200);
  });

  /** Creates a body of unknown length, which ends after the chunks or fails. */
  function stream(chunks: Iterable<Uint8Array>, end: "close" | "error"): ReadableStream & { sent: number } {
    const iterator = chunks[Symbol.iterator]();
    const source = new ReadableStream({
      pull(controller) {
        const { done, value } = iterator.next();
        if (!done) {
          sized.sent += value.length;
          controller.enqueue(value);
        } else if (end === "close") controller.close();
        else controller.error(new Error("The connection was reset."));
      },
    });
    const sized = Object.assign(source, { sent: 0 });
    return sized;
  }

  it("a body that breaks off is refused", async () => {
    const body = stream([Buffer.from('{"prompt":"a"}')], "error");
    await expectRefused({ body, headers: JSON_TYPE }, "invalid_json");
  });

  it("a body of exactly the size limit is read, and one byte more is refused", async () => {
    const sized = (bytes: number) => Buffer.from('{"prompt":"a"}'.padEnd(bytes));
    for (const body of [sized(LIMITS.bodyBytesMax), stream([sized(LIMITS.bodyBytesMax)], "close")]) {
      expect((await api.send("POST", "/v1/videos", { body, headers: JSON_TYPE })).status).toBe(200);
    }
    for (const body of [
      sized(LIMITS.bodyBytesMax + 1),
      stream([sized(LIMITS.bodyBytesMax), Buffer.of(32)], "close"),
    ]) {
      await expectRefused({ body, headers: JSON_TYPE }, "body_too_large");
    }
  });

  it("a body without end is not read to the end", async () => {
    const endless = stream(
      (function* () {
        for (;;) yield new Uint8Array(16 * 1024);
      })(),
      "close",
    );
    await expectRefused({ body: endless, headers: JSON_TYPE }, "body_too_large");
    expect(endless.sent).toBeLessThan(4 * LIMITS.bodyBytesMax);
  });

  it("a body is measured itself when its Content-Length is wrong", async () => {
    const headers = { ...JSON_TYPE, "content-length": "2" };
    const body = stream([new Uint8Array(LIMITS.bodyBytesMax + 1)], "close");
    await expectRefused({ body, headers }, "body_too_large");
    await expectRefused({ body: "{", headers: { ...JSON_TYPE, "content-length": "1e9" } }, "body_too_large");
    await expectRefused({ body: "{", headers: { ...JSON_TYPE, "content-length": "x" } }, "invalid_json");
  });
});

describe("headers that mean something", () => {
  it.each([
    ["prefer", "wait=".repeat(10_000)],
    ["prefer", "wait=-5"],
    ["x-stainless-retry-count", "NaN"],
    ["x-stainless-retry-count", "-1"],
    ["x-stainless-retry-count", "9".repeat(10_000)],
    ["x-request-id", "\u00ff".repeat(1000)],
  ])("a header that makes no sense is ignored: %s", async (name, value) => {
    const answer = await api.send("POST", "/v1/videos", {
      json: { prompt: "a" },
      headers: { [name]: value },
    });
    expect(answer.status).toBe(200);
  });
});

describe("a refusal", () => {
  const long = "x".repeat(50_000);
  const video = { prompt: "a" };
  const signature = { scheme: "bearer" };
  it.each<[string, string, object]>([
    ["a field", "videos", { ...video, [long]: 1 }],
    ["a field of the cache", "videos", { ...video, cache: { [long]: 1 } }],
    ["a policy", "videos", { ...video, cache: long }],
    ["a policy of an object", "videos", { ...video, cache: { policy: long } }],
    ["a model", "videos", { ...video, model: long }],
    ["a name in the metadata", "videos", { ...video, metadata: { [long]: "a" } }],
    ["a value in the metadata", "videos", { ...video, metadata: { a: long } }],
    ["a size", "videos", { ...video, size: long }],
    ["a quality", "videos", { ...video, quality: long }],
    ["a webhook's address", "videos", { ...video, webhook_url: `https://example.com/${long}` }],
    ["a webhook's host", "videos", { ...video, webhook_url: `https://${long}` }],
    ["an event", "videos", { ...video, webhook_url: "https://example.com/", webhook_events: [long] }],
    ["an endpoint's address", "webhook_endpoints", { url: long }],
    ["a placeholder", "triggers", { signature, prompt: `{{${"/a".repeat(1_900)}` }],
    ["a filter", "triggers", { signature, prompt: "a", filter: [{ pointer: long, equals: 1 }] }],
    ["a scheme", "triggers", { prompt: "a", signature: { scheme: long } }],
    ["a field of a trigger's video", "triggers", { signature, prompt: "a", video: { [long]: 1 } }],
  ])("a refusal of %s is short however long that is", async (_what, path, json) => {
    const answer = await api.send("POST", `/v1/${path}`, { json });
    const { detail, error } = (await answer.json()) as { detail: string; error: { param: string | null } };
    expect(answer.status).toBe(400);
    expect(detail.length).toBeLessThan(500);
    expect((error.param ?? "").length).toBeLessThan(200);
  });

  it("a refusal of a payload names a long placeholder by its beginning", async () => {
    const prompt = `{{${"/a".repeat(1_900)}}}`;
    const created = await api.send("POST", "/v1/triggers", { json: { signature, prompt } });
    const { id } = (await created.json()) as { id: string };
    const answer = await api.send("POST", `/v1/triggers/${id}/dry_run`, { json: { payload: {} } });
    const { detail, error } = await expectProblem(answer, "template_field_missing");
    expect([detail.length < 500, error.param!.length < 200]).toEqual([true, true]);
  });
});
