import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  parseRequest,
  policyOf,
  RequestError,
  type ResolvedRequest,
  resolveRequest,
  type VideoLimits,
  withoutWords,
} from "../../../lib/generation/request/index.ts";
import { MAX_SEED, MAX_STEPS } from "../../../lib/generation/sampling/index.ts";
import { sampleTable } from "../caching/sample-table.ts";

const limits: VideoLimits = {
  sizes: [
    [16, 16],
    [32, 16],
  ],
  frames: [4, 1],
  fps: [8, 4],
  steps: 6,
  guidance_scale: 4,
};
const good = { prompt: "a red circle", seed: 1 };

/** Checks and resolves a request as the command line does. */
function resolve(given: Record<string, unknown>, of: VideoLimits = limits): ResolvedRequest {
  const asked = parseRequest(given);
  return resolveRequest({ ...asked, seed: asked.seed ?? 0 }, { model: "tiny", limits: of });
}

/** Wrong requests, each with the sentence of its error. */
const wrong: [Record<string, unknown>, string][] = [
  [{ prompt: "" }, "The prompt is empty: say what the video should show."],
  [{ prompt: " \t\n\u3000" }, "The prompt is empty: say what the video should show."],
  [{ prompt: undefined }, "The prompt is missing: say what the video should show."],
  [{ prompt: 5 }, "prompt is a text, not 5."],
  [{ negative_prompt: null }, "negative_prompt is a text of at most 4000 characters, not null."],
  [{ compare: "yes" }, "compare is true or false, not a text."],
  [{ steps: 0 }, "steps is a whole number from 1 to 1000, not 0."],
  [{ steps: 10_000 }, "steps is a whole number from 1 to 1000, not 10000."],
  [{ steps: 1.5 }, "steps is a whole number from 1 to 1000, not 1.5."],
  [{ steps: Number.NaN }, "steps must be a whole number from 1 to 1000."],
  [{ steps: -3 }, "steps is a whole number from 1 to 1000, not -3."],
  [{ seed: -2 }, "seed is a whole number of at least -1, not -2; leave it out to draw one."],
  [
    { seed: 2 ** 53 },
    "seed is a whole number from -1 to 9007199254740991, not 9007199254740992; leave it out to draw one.",
  ],
  [{ seed: 0.5 }, "seed is a whole number of at least -1, not 0.5; leave it out to draw one."],
  [{ seed: "1" }, "seed is a whole number of at least -1, not a text: write it without quotes."],
  [{ guidance_scale: Number.NaN }, "guidance_scale must be a number from 0 to 100."],
  [{ guidance_scale: -0.1 }, "guidance_scale is a number from 0 to 100, not -0.1."],
  [{ guidance_scale: Infinity }, "guidance_scale must be a number from 0 to 100."],
  [{ size: "64x16" }, "This model makes 16x16 or 32x16; 64x16 is not possible."],
  [{ size: "16x32" }, "This model makes 16x16 or 32x16; 16x32 is not possible."],
  [{ size: "16x0" }, "This model makes 16x16 or 32x16; 16x0 is not possible."],
  [{ num_frames: 5 }, "This model makes 1 or 4 frames; 5 is not possible."],
  [{ num_frames: Number.NaN }, "num_frames must be a whole number of at least 1."],
  [{ image: "/first.png" }, "This model makes videos of a prompt alone, and takes no image."],
  [{ fps: 30 }, "This model makes 4 or 8 frames a second; 30 is not possible."],
  [
    { cache: 5 },
    "cache is off, auto, fast, slow, static:3, at_least:35dB, at_most:60s or computed_steps:12, or an object with policy, codebook, motion_regularisation, warmup_steps, forecast, at_least, at_most and computed_steps, not 5.",
  ],
  [
    { cache: [] },
    "cache is off, auto, fast, slow, static:3, at_least:35dB, at_most:60s or computed_steps:12, or an object with policy, codebook, motion_regularisation, warmup_steps, forecast, at_least, at_most and computed_steps, not an empty list.",
  ],
  [
    { cache: null },
    "cache is off, auto, fast, slow, static:3, at_least:35dB, at_most:60s or computed_steps:12, or an object with policy, codebook, motion_regularisation, warmup_steps, forecast, at_least, at_most and computed_steps, not null.",
  ],
  [{ cache: { polcy: "slow" } }, "There is no field polcy in cache: did you mean policy?"],
  [
    { cache: { policy: "quick" } },
    "cache.policy must be off, auto, fast, slow, static:3, at_least:35dB, at_most:60s, computed_steps:12 or FILE.json with a codebook.",
  ],
  [
    { cache: { policy: "" } },
    "cache.policy is off, auto, fast, slow, static:3, at_least:35dB, at_most:60s, computed_steps:12 or FILE.json with a codebook, not an empty text.",
  ],
  [
    { cache: { policy: "static:0" } },
    "cache.policy needs a whole number from 1 to 9999 after the colon, for example static:3.",
  ],
  [
    { cache: { policy: "static:1.5" } },
    "cache.policy needs a whole number from 1 to 9999 after the colon, for example static:3.",
  ],
  [
    { cache: { policy: 3 } },
    "cache.policy is off, auto, fast, slow, static:3, at_least:35dB, at_most:60s, computed_steps:12 or FILE.json with a codebook, not 3.",
  ],
  [
    { cache: { policy: null } },
    "cache.policy is off, auto, fast, slow, static:3, at_least:35dB, at_most:60s, computed_steps:12 or FILE.json with a codebook, not null.",
  ],
  [
    { cache: { at_least: 0 } },
    'cache.at_least is a number of dB from 1 to 100, such as 35 or "35dB", not 0.',
  ],
  [
    { cache: { at_least: Number.NaN } },
    'cache.at_least must be a number of dB from 1 to 100, such as 35 or "35dB".',
  ],
  [
    { cache: { at_least: "35 apples" } },
    'cache.at_least must be a number of dB from 1 to 100, such as 35 or "35dB".',
  ],
  [
    { cache: { at_least: "0dB" } },
    'cache.at_least must be a number of dB from 1 to 100, such as 35 or "35dB".',
  ],
  [{ cache: { at_least: 90 } }, "A promise of 90 dB is more than float32 can keep: ask for at most 80 dB."],
  [
    { cache: { at_most: 0 } },
    'cache.at_most is a time from 0.01 s to 24 h, such as 60 (seconds), "60s" or "2m", not 0.',
  ],
  [
    { cache: { at_most: -5 } },
    'cache.at_most is a time from 0.01 s to 24 h, such as 60 (seconds), "60s" or "2m", not -5.',
  ],
  [
    { cache: { at_most: "25h" } },
    'cache.at_most must be a time from 0.01 s to 24 h, such as 60 (seconds), "60s" or "2m".',
  ],
  [
    { cache: { at_most: true } },
    'cache.at_most is a time from 0.01 s to 24 h, such as 60 (seconds), "60s" or "2m", not true.',
  ],
  [{ cache: { computed_steps: 0 } }, "cache.computed_steps is a whole number from 1 to 1000, not 0."],
  [{ cache: { computed_steps: 2.5 } }, "cache.computed_steps is a whole number from 1 to 1000, not 2.5."],
  [
    { cache: { computed_steps: 7 } },
    "The number of computed steps is 7: it is a whole number from 1 to the 6 of the run.",
  ],
  [{ cache: { at_least: 35, at_most: 60 } }, "cache has both at_least and at_most: give one promise."],
  [{ cache: { policy: "auto", at_most: 60 } }, "cache has both policy and at_most: give one of them."],
  [
    { cache: { codebook: [{ rate: 1 }], computed_steps: 3 } },
    "cache has both codebook and computed_steps: give one of them.",
  ],
  [
    { cache: { at_most: 60, warmup_steps: 2 } },
    "cache has warmup_steps beside at_most: leave it out, because a promise decides alone which steps are computed.",
  ],
  [
    { cache: { policy: "at_most:60s", motion_regularisation: true } },
    "cache has motion_regularisation beside at_most: leave it out, because a promise decides alone which steps are computed.",
  ],
  [
    { cache: "at_least:0dB" },
    "cache needs a number of dB from 1 to 100 after the colon, for example at_least:35dB.",
  ],
  [{ cache: { forecast: 1 } }, "cache.forecast is true or false, not 1."],
  [{ quality: "best" }, "quality must be lossless or high."],
  [{ quality: 5 }, "quality is lossless or high, not 5."],
  [{ quality: "lossless", cache: "fast" }, "cache and quality say different things: give one of them."],
  [{ quality: "high", cache: { at_least: 41 } }, "cache and quality say different things: give one of them."],
  [{ audit: "yes" }, "audit is true or false, not a text."],
  [
    { loras: ["style"] },
    "This model has no LoRAs: put files into the folder loras/ of the model to use them.",
  ],
  [{ loras: "style" }, "loras is a list of at most 8 entries, not a text."],
  [{ cache: { warmup_steps: -1 } }, "cache.warmup_steps is a whole number from 0 to 1000, not -1."],
  [{ cache: { warmup_steps: 2.5 } }, "cache.warmup_steps is a whole number from 0 to 1000, not 2.5."],
  [
    { steps: 4, cache: { policy: "off", warmup_steps: 5 } },
    "The warm-up is 5: a warm-up is a whole number of steps, from 0 to the 4 of the run.",
  ],
  [
    { cache: { policy: {} } },
    'cache.policy.codebook is missing: it must be a list of rows, such as [{"below": 0.1, "rate": 4}, {"rate": 1}].',
  ],
  [
    { cache: { policy: { codebook: [{ below: 0.2, rate: 3 }, { below: 0.1, rate: 2 }, { rate: 1 }] } } },
    "cache.policy.codebook row 2: below is a number above the 0.2 of the row before it, not 0.1.",
  ],
  [
    { cache: { policy: { codebook: [{ below: 0.2, rate: 3 }] } } },
    "cache.policy.codebook row 1 is the last and has below: add a row without it, so that every distance finds a rate.",
  ],
  [
    { cache: { policy: { codebook: [{ rate: 0 }] } } },
    "cache.policy.codebook row 1: rate is a whole number of at least 1, not 0.",
  ],
];

describe("a request the model cannot meet is refused in one sentence", () => {
  it.each(wrong)(
    "the request %o is refused in one sentence where the model cannot meet it",
    (change, sentence) => {
      expect(() => resolve({ ...good, ...change })).toThrow(
        expect.objectContaining({ name: "RequestError", message: sentence }),
      );
    },
  );

  it("a request with any numbers is accepted or refused with a RequestError", () => {
    const number = fc.oneof(fc.double(), fc.integer({ min: -2, max: 40 }), fc.constantFrom(8, 16, undefined));
    const member = (name: string) => number.map((value) => ({ [name]: value }));
    const members = ["seed", "steps", "guidance_scale", "num_frames", "fps"].map(member);
    const size = fc.tuple(number, number).map(([width, height]) => `${width}x${height}`);
    const policy = fc.oneof(fc.string(), fc.jsonValue(), fc.constantFrom("off", "fast", "static:2"));
    const cache = fc.record({ policy, warmup_steps: number });
    fc.assert(
      fc.property(fc.tuple(...members), size, fc.string(), cache, (numbers, size, prompt, cache) => {
        try {
          const resolved = resolve(Object.assign({ prompt, size, cache }, ...numbers));
          expect(resolved.seed).toBeLessThanOrEqual(MAX_SEED);
          expect(resolved.steps).toBeLessThanOrEqual(MAX_STEPS);
          expect(limits.frames).toContain(resolved.frames);
          expect(limits.sizes).toContainEqual([resolved.width, resolved.height]);
        } catch (error) {
          expect(error).toBeInstanceOf(RequestError);
          expect((error as Error).message).toMatch(/^\S.*\.$/s);
        }
      }),
    );
  });
});

describe("the guidance of a second transformer", () => {
  const two = { ...limits, guidance_scale_2: 3 };

  it("a request names a guidance scale for each of two transformers", () => {
    const request = { ...good, guidance_scale: 5, guidance_scale_2: 2 };
    expect(resolve(request, two)).toMatchObject({ guidanceScale: 5, guidanceScale2: 2 });
    expect(resolve(good, two)).toMatchObject({ guidanceScale: 4, guidanceScale2: null });
  });

  it("a second guidance scale is refused for a model with one transformer, unless it is that of the first", () => {
    expect(() => resolve({ ...good, guidance_scale_2: 2 })).toThrow(
      expect.objectContaining({
        name: "RequestError",
        message: "This model has one transformer, which guidance_scale guides: leave guidance_scale_2 out.",
        field: "guidance_scale_2",
      }),
    );
    expect(resolve({ ...good, guidance_scale: 3, guidance_scale_2: 3 }).guidanceScale2).toBe(3);
  });
});

describe("a distilled model", () => {
  const fixed = { ...limits, steps: 4, has_fixed_steps: true, is_distilled: true };

  it("a distilled model takes the steps that it was made for, and no others", () => {
    expect(resolve(good, fixed).steps).toBe(4);
    expect(resolve({ ...good, steps: 4 }, fixed).steps).toBe(4);
    expect(() => resolve({ ...good, num_inference_steps: 50 }, fixed)).toThrow(
      expect.objectContaining({
        message: "This model was distilled to make videos in 4 steps; leave steps out, or ask for 4.",
        field: "num_inference_steps",
      }),
    );
  });

  it("every cache of a distilled model is off, also a promise that would need a table", () => {
    for (const cache of ["auto", "fast", "static:2", { at_least: 35 }, { codebook: [{ rate: 2 }] }]) {
      const request = resolve({ ...good, cache }, { ...fixed, has_cache_table: false });
      expect(policyOf(request, { isDistilled: true })).toMatchObject({ name: "off", signals: [] });
    }
  });

  it("a run of few steps measures nothing and keeps one residual", () => {
    expect(policyOf(resolve(good), { modelSteps: 6 })).toMatchObject({ name: "auto", signals: [] });
    expect(policyOf(resolve(good), { modelSteps: 6 }).residuals).toBeUndefined();
    expect(policyOf(resolve({ ...good, steps: 30 }), {}).signals).not.toEqual([]);
  });
});

describe("a promise in dB", () => {
  it("a promise in dB is refused for a model without a table, and left to the pipeline where that is not known", () => {
    const high = { ...good, quality: "high" };
    expect(resolve(high).cache.policy).toBe("at_least:40dB");
    expect(resolve(high, { ...limits, has_cache_table: true }).cache.policy).toBe("at_least:40dB");
    const sentence =
      "A promise in dB needs a table of what reuse costs this model, and there is none: " +
      "run npm run models -- calibrate tiny --table.";
    const without = { ...limits, has_cache_table: false };
    for (const [request, field] of [
      [high, "quality"],
      [{ ...good, cache: { at_least: 35 } }, "cache"],
    ] as const) {
      expect(() => resolve(request, without)).toThrow(
        expect.objectContaining({ name: "RequestError", message: sentence, field }),
      );
    }
  });

  it("the pipeline refuses what it alone knows: the precision, and a table that is missing", () => {
    const request = resolve({ ...good, cache: { at_least: 50 } });
    expect(() => policyOf(request, { precision: "float16" })).toThrow(/more than float16 can keep/);
    expect(() => policyOf(request, { precision: "float32", table: null })).toThrow(
      /calibrate tiny --table\.$/,
    );
    expect(policyOf(request, { precision: "float32", table: sampleTable(60) }).name).toBe("at_least:50dB");
  });
});

describe("a level of quality", () => {
  it.each<[fields: Record<string, unknown>, policy: string]>([
    [{ quality: "lossless" }, "off"],
    [{ quality: "lossless", cache: "off" }, "off"],
    [{ quality: "lossless", cache: { policy: "off" } }, "off"],
    [{ quality: "high" }, "at_least:40dB"],
    [{ quality: "high", cache: { at_least: "40 dB" } }, "at_least:40dB"],
  ])("the fields %j ask for the policy %s", (fields, policy) => {
    expect(resolve({ ...good, ...fields }).cache.policy).toBe(policy);
  });
});

describe("motion regularisation", () => {
  const codebook = [{ below: 0.1, rate: 2 }, { rate: 1 }];

  it.each<[cache: unknown, isOn: boolean]>([
    ["fast", false],
    [{ policy: "slow" }, false],
    [{ policy: "slow", motion_regularisation: true }, true],
    [{ codebook }, false],
    [{ codebook, motion_regularisation: { reference: 0.2 } }, true],
    [{ policy: { codebook } }, false],
    [{ policy: { codebook, motion: { reference: 0.2 } } }, true],
    [{ policy: { codebook, motion: { reference: 0.2 } }, motion_regularisation: false }, false],
  ])("the cache %j regularises motion: %s", (cache, isOn) => {
    expect(resolve({ prompt: "a", cache }).cache.motion).toBe(isOn);
  });
});

describe("a request", () => {
  it("a request takes the model's first size, frames and fps, its steps and its guidance by default", () => {
    const resolved = resolve(good);
    const policy = policyOf(resolved);
    expect(policy.name).toBe("auto");
    expect(policy.options).toEqual({ goal: null, computesAll: true, forecast: true });
    expect(resolved).toEqual({
      ...good,
      model: "tiny",
      cache: { policy: "auto", motion: false, warmupSteps: 0 },
      compare: false,
      audit: false,
      preview: true,
      loras: [],
      negativePrompt: null,
      steps: 6,
      guidanceScale: 4,
      guidanceScale2: null,
      width: 16,
      height: 16,
      frames: 4,
      fps: 8,
    });
  });

  it("a request keeps every value it names, also where that is 0 or empty", () => {
    const cache = { policy: "slow", motion_regularisation: false, warmup_steps: 1 };
    const named = { guidance_scale: 0, negative_prompt: "", seed: 0, steps: 1, size: "32x16", fps: 4 };
    const resolved = resolve({ ...good, ...named, num_frames: 1, cache });
    expect(resolved).toMatchObject({ guidanceScale: 0, negativePrompt: "", seed: 0, steps: 1 });
    expect(resolved).toMatchObject({ width: 32, height: 16, frames: 1, fps: 4 });
    expect(policyOf(resolved)).toMatchObject({ name: "slow", options: { motion: null, warmup: 1 } });
  });

  it("a request may begin with an image where the model takes one, and then needs more than one frame", () => {
    const taking = { ...limits, takes_image: true };
    const request = { ...good, image: "/first.png" };
    expect(resolve(request, taking).image).toBe("/first.png");
    expect(() => resolve({ ...request, num_frames: 1 }, taking)).toThrow(
      new RequestError("A video of one frame would be its image: ask for more frames, or give no image.", {
        field: "image",
      }),
    );
  });

  it("a model of pictures refuses a request without one, and a last picture goes with a first one", () => {
    const of = { ...limits, takes_image: true, needs_image: true };
    expect(() => resolve(good, of)).toThrow("This model makes videos of a picture: give one.");
    const both = { ...good, image: "/first.png", last_image: "/last.png" };
    expect(() => resolve(both, of)).toThrow(/takes no picture for its last frame/);
    expect(resolve(both, { ...of, takes_last_image: true }).lastImage).toBe("/last.png");
    const { image: _, ...last } = both;
    expect(() => resolve(last, { ...limits, takes_last_image: true })).toThrow(/begins with one too/);
  });

  it("a request is left with its settings once its words are forgotten", () => {
    const resolved = resolve({ ...good, negative_prompt: "blue", steps: 3 });
    expect(withoutWords(resolved)).toEqual({ ...resolved, prompt: "", negativePrompt: null });
  });

  it("a request may give its length in seconds and its steps by another name", () => {
    expect(resolve({ ...good, seconds: "0.5", num_inference_steps: 2 })).toMatchObject({
      frames: 4,
      steps: 2,
    });
    expect(() => resolve({ ...good, num_frames: 1, seconds: 0.5 })).toThrow(
      "num_frames and seconds say different things: give one of them.",
    );
  });
});
