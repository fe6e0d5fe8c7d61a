import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { formToJson } from "../../functions/api/middleware/form.ts";
import { triggerCreateSchema } from "../../functions/api/schemas/trigger.ts";
import { videoCreateSchema } from "../../functions/api/schemas/video-request.ts";
import { ENCODINGS, type Encoding, fieldsOf } from "./form.ts";

const schemaOf = (schema: z.ZodType) => z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
const video = schemaOf(videoCreateSchema(2000)) as Parameters<typeof formToJson>[1];
const trigger = schemaOf(triggerCreateSchema) as Parameters<typeof formToJson>[1];
const read = (fields: readonly (readonly [string, string])[], schema = video) => formToJson(fields, schema);

const word = fc.stringMatching(/^[A-Za-z][\w -]{0,12}$/);
const number = fc.double({ min: 0.001, max: 100, noNaN: true });
const codebook = fc
  .array(fc.record({ below: number, rate: fc.integer({ min: 1, max: 9 }) }), { maxLength: 4 })
  .map((rows) => [...rows, { rate: 1 }]);
const cache = fc.record(
  {
    codebook,
    motion_regularisation: fc.oneof(
      fc.boolean(),
      fc.record(
        {
          reference: number,
          window: fc.record({ from: fc.integer({ min: 1 }), to: fc.integer(), of: fc.integer({ min: 1 }) }),
        },
        { requiredKeys: ["window"] },
      ),
    ),
    warmup_steps: fc.nat({ max: 9 }),
    forecast: fc.boolean(),
  },
  { requiredKeys: ["codebook"] },
);
const body = fc.record(
  {
    prompt: fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => text !== "null"),
    seed: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    guidance_scale: number,
    negative_prompt: fc.oneof(word, fc.constant("")),
    compare: fc.boolean(),
    size: fc.constant("64x64"),
    cache: fc.oneof(fc.constant("fast"), cache),
    cache_policy: cache,
    metadata: fc.dictionary(word, fc.string({ unit: "grapheme" }), { minKeys: 1, maxKeys: 3 }),
    webhook_events: fc.uniqueArray(fc.constantFrom("video.completed", "video.failed", "video.queued"), {
      minLength: 1,
    }),
  },
  { requiredKeys: ["prompt"] },
);

describe.each(Object.entries(ENCODINGS) as [string, Encoding][])("a form with %s", (_name, encoding) => {
  it("the form says the same as the value that it was made from", () => {
    fc.assert(
      fc.property(body, (value) => {
        expect(read(fieldsOf(value, encoding))).toEqual(value);
      }),
      { numRuns: 100 },
    );
  });

  it("the form may hold the same in extra_body", () => {
    fc.assert(
      fc.property(body, (value) => {
        const schema = { ...video, properties: { ...video.properties, extra_body: video } };
        expect(read(fieldsOf({ extra_body: value }, encoding), schema)).toEqual({ extra_body: value });
      }),
      { numRuns: 20 },
    );
  });

  it("the form of a trigger says the same, conditions and fields of the video included", () => {
    const value = {
      prompt: "{{/a}}",
      signature: { scheme: "github" },
      filter: [
        { pointer: "/action", equals: "opened" },
        { pointer: "/b", equals: "c" },
      ],
      video: {
        seed: 3,
        cache: { codebook: [{ below: 0.5, rate: 3 }, { rate: 1 }] },
        webhook_events: ["video.failed"],
      },
      enabled: false,
    };
    expect(read(fieldsOf(value, encoding), trigger)).toEqual(value);
  });
});

const SAID = {
  prompt: "x",
  seed: 7,
  compare: true,
  metadata: { order: "42" },
  webhook_events: ["video.completed", "video.failed"],
  cache: { codebook: [{ below: 0.1, rate: 3 }, { rate: 1 }] },
};
const decoded = (text: string) => [...new URLSearchParams(text)];

describe("a form as a client wrote it", () => {
  it.each<[client: string, fields: [string, string][]]>([
    [
      // openai 3.57.0 for Python (videos.create with extra_body), and openai 7.57.0 for JavaScript, write the same.
      "openai for Python and JavaScript",
      [
        ["prompt", "x"],
        ["seed", "7"],
        ["compare", "true"],
        ["metadata[order]", "42"],
        ["webhook_events[]", "video.completed"],
        ["webhook_events[]", "video.failed"],
        ["cache[codebook][][below]", "0.1"],
        ["cache[codebook][][rate]", "3"],
        ["cache[codebook][][rate]", "1"],
      ],
    ],
    [
      // openai-go 3.99.0: SetExtraFields writes texts alone, so that objects are JSON.
      "openai-go",
      [
        ["prompt", "x"],
        ["seed", "7"],
        ["compare", "true"],
        ["metadata[order]", "42"],
        ["webhook_events", '["video.completed","video.failed"]'],
        ["cache", '{"codebook":[{"below":0.1,"rate":3},{"rate":1}]}'],
      ],
    ],
    [
      // axios 1.21.1, postForm with its defaults.
      "axios",
      [
        ["prompt", "x"],
        ["seed", "7"],
        ["compare", "true"],
        ["metadata[order]", "42"],
        ["webhook_events[]", "video.completed"],
        ["webhook_events[]", "video.failed"],
        ["cache[codebook][0][below]", "0.1"],
        ["cache[codebook][0][rate]", "3"],
        ["cache[codebook][1][rate]", "1"],
      ],
    ],
    [
      // axios 1.21.1, formSerializer: { dots: true, indexes: true }; with dots alone the events are webhook_events[].
      "axios with dots and indexes",
      [
        ["prompt", "x"],
        ["seed", "7"],
        ["compare", "true"],
        ["metadata.order", "42"],
        ["webhook_events.0", "video.completed"],
        ["webhook_events.1", "video.failed"],
        ["cache.codebook.0.below", "0.1"],
        ["cache.codebook.0.rate", "3"],
        ["cache.codebook.1.rate", "1"],
      ],
    ],
    [
      // axios 1.21.1, formSerializer: { indexes: null }.
      "axios without indexes",
      decoded(
        "prompt=x&seed=7&compare=true&metadata[order]=42&webhook_events=video.completed&webhook_events=video.failed" +
          "&cache[codebook][0][below]=0.1&cache[codebook][0][rate]=3&cache[codebook][1][rate]=1",
      ),
    ],
    [
      // qs 6.17.1, stringify with its defaults.
      "qs",
      decoded(
        "prompt=x&seed=7&compare=true&metadata%5Border%5D=42&webhook_events%5B0%5D=video.completed" +
          "&webhook_events%5B1%5D=video.failed&cache%5Bcodebook%5D%5B0%5D%5Bbelow%5D=0.1" +
          "&cache%5Bcodebook%5D%5B0%5D%5Brate%5D=3&cache%5Bcodebook%5D%5B1%5D%5Brate%5D=1",
      ),
    ],
    [
      // qs 6.17.1, stringify with allowDots.
      "qs with dots",
      decoded(
        "prompt=x&seed=7&compare=true&metadata.order=42&webhook_events[0]=video.completed" +
          "&webhook_events[1]=video.failed&cache.codebook[0].below=0.1&cache.codebook[0].rate=3&cache.codebook[1].rate=1",
      ),
    ],
    [
      // http_build_query of PHP, by its manual: true is 1, and lists have indexes.
      "PHP",
      decoded(
        "prompt=x&seed=7&compare=1&metadata%5Border%5D=42&webhook_events%5B0%5D=video.completed" +
          "&webhook_events%5B1%5D=video.failed&cache%5Bcodebook%5D%5B0%5D%5Bbelow%5D=0.1" +
          "&cache%5Bcodebook%5D%5B0%5D%5Brate%5D=3&cache%5Bcodebook%5D%5B1%5D%5Brate%5D=1",
      ),
    ],
    [
      // httpx 0.28.1 and requests 2.34.2 with data={...}: None is empty in httpx, and True has a capital in requests.
      "httpx and requests",
      decoded(
        "prompt=x&seed=7&fps=&compare=True&metadata=%7B%22order%22%3A%2242%22%7D&webhook_events=video.completed" +
          "&webhook_events=video.failed&cache=%7B%22codebook%22%3A+%5B%7B%22below%22%3A+0.1%2C+%22rate%22%3A+3%7D%2C" +
          "+%7B%22rate%22%3A+1%7D%5D%7D",
      ),
    ],
  ])("the form of %s says what was meant", (_client, fields) => {
    expect(read(fields)).toEqual(SAID);
  });

  it("a list of one entry needs no brackets", () => {
    expect(read([["webhook_events", "video.failed"]])).toEqual({ webhook_events: ["video.failed"] });
  });

  it("an empty field counts as left out where it could not be empty", () => {
    const names = ["size", "seconds", "seed", "cache", "compare", "webhook_events", "webhook_url", "model"];
    expect(read(names.map((name) => [name, ""] as const))).toEqual({});
    const texts = { prompt: "", negative_prompt: "", metadata: { a: "", b: "null" } };
    expect(read(fieldsOf(texts, "brackets"))).toEqual(texts);
  });
});

describe("a form that can be read in two ways", () => {
  it.each<[fields: string, sentence: string]>([
    ["seed=1&seed=2", "The form field seed is given more than once."],
    ["cache=off&cache[policy]=off", "The form field cache is given in two ways."],
    ["webhook_events=a&webhook_events[]=b", "The form field webhook_events is given in two ways."],
    ["webhook_events[]=a&webhook_events[1]=b", "The form field webhook_events is given in two ways."],
    [
      "webhook_events[1]=a&webhook_events[2]=b",
      "The form field webhook_events has no entry with the index 0, but others.",
    ],
    ["webhook_events[5]=a", "The form field webhook_events has no entry with the index 0, but others."],
    [
      "cache[codebook][][rate]=3&cache[codebook][][below]=1&cache[codebook][][rate]=1",
      'The form field "cache[codebook][][below]" can belong to either of two entries: number them, as in [0], or send JSON.',
    ],
    [
      "cache[codebook][][a][]=3",
      'The form field "cache[codebook][][a][]" has two lists without indexes: number their entries, as in [0], or send JSON.',
    ],
    ["cache[=1", 'The form field "cache[" is not a valid field name.'],
    [`a${"[a]".repeat(50)}=1`, "is nested too deeply."],
    [Array(1001).fill("a[]=1").join("&"), "A form may have at most 1000 fields."],
  ])("the form %.80s is refused", (text, sentence) => {
    expect(() => read(decoded(text))).toThrow(sentence);
  });
});
