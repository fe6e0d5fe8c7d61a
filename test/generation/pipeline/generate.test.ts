import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  CancelledError,
  type Generation,
  GenerationError,
  openPipeline,
  type Pipeline,
  type Progress,
} from "../../../lib/generation/pipeline/index.ts";
import { RequestError } from "../../../lib/generation/request/index.ts";
import { requestFor, type Wanted } from "./request-for.ts";
import { writeTinyModel } from "./tiny-model.ts";

const request = { prompt: "a red circle moves", seed: 5, steps: 8 } satisfies Wanted;
const cached = { ...request, cache: "static:2" };
const uncached = { ...request, cache: "off" };

let folder: string;
let pipeline: Pipeline;
/** Results of pipelines that were opened for a single generation. */
let alone: { cached: Generation; uncached: Generation };

beforeAll(async () => {
  folder = await writeTinyModel();
  alone = { cached: await generateAlone(cached), uncached: await generateAlone(uncached) };
  pipeline = await openPipeline(folder, { threads: 1 });
});

afterAll(async () => {
  await pipeline.close();
  await rm(folder, { recursive: true });
});

async function generateAlone(input: Wanted): Promise<Generation> {
  const fresh = await openPipeline(folder, { threads: 1 });
  try {
    return await fresh.generate(requestFor(fresh, input));
  } finally {
    await fresh.close();
  }
}

function expectSame(actual: Generation, expected: Generation): void {
  expect(actual.latent).toEqual(expected.latent);
  expect(actual.frames).toEqual(expected.frames);
  expect(actual.trace).toEqual(expected.trace);
}

describe("a generation", () => {
  it("a generation reports what was made, and how", async () => {
    const { latent, frames, trace, ...rest } = await pipeline.generate(
      requestFor(pipeline, { ...cached, fps: 4 }),
    );
    expect(latent).toHaveLength(4 * 4 * 8 * 8);
    expect(latent.every(Number.isFinite)).toBe(true);
    expect({ ...frames, rgb: frames.rgb.length }).toEqual({
      width: 16,
      height: 16,
      count: 4,
      rgb: 4 * 16 * 16 * 3,
    });
    expect(trace.schedule.map(({ computed }) => computed)).toEqual([1, 0, 1, 0, 1, 0, 1, 1].map(Boolean));
    expect(rest).toEqual({
      fps: 4,
      seconds: expect.objectContaining({ load: expect.any(Number), decode: expect.any(Number) }),
      stepSeconds: trace.schedule.map(() => expect.any(Number)),
      tokens: 5,
      isPromptTruncated: false,
      isNegativePromptTruncated: false,
      readPrompt: null,
      readNegativePrompt: null,
      unknownWords: [],
      promise: null,
      loras: [],
      notes: [
        "The model makes videos in 6 steps, so there is nothing to save: auto would compute every step.",
      ],
      request: {
        prompt: cached.prompt,
        negativePrompt: null,
        seed: 5,
        steps: 8,
        guidanceScale: 4,
        guidanceScale2: null,
        width: 16,
        height: 16,
        frames: 4,
        fps: 4,
        model: pipeline.model,
        cache: { policy: "static:2", motion: true, warmupSteps: 0 },
        compare: false,
        audit: false,
        preview: true,
        loras: [],
      },
    });
  });

  it("a generation reports that a long prompt was cut", async () => {
    const long = await pipeline.generate(
      requestFor(pipeline, { ...cached, prompt: "a red circle ".repeat(10) }),
    );
    expect(long.tokens).toBe(16);
    expect(long.isPromptTruncated).toBe(true);
  });

  it("a generation has the same bytes for the same seed, and others for another", async () => {
    expectSame(
      await pipeline.generate(requestFor(pipeline, cached)),
      await pipeline.generate(requestFor(pipeline, cached)),
    );
    for (const seed of [0, 6, Number.MAX_SAFE_INTEGER]) {
      const { frames } = await pipeline.generate(requestFor(pipeline, { ...cached, seed }));
      expect(frames.rgb).not.toEqual(alone.cached.frames.rgb);
    }
  });

  it("a generation depends on prompt, negative prompt, guidance and fps", async () => {
    const changes = [
      { prompt: "a blue square" },
      { negativePrompt: "a blue square" },
      { guidanceScale: 1 },
      { fps: 4 },
    ];
    for (const change of changes) {
      const { latent } = await pipeline.generate(requestFor(pipeline, { ...cached, ...change }));
      expect(latent).not.toEqual(alone.cached.latent);
    }
  });

  it("a generation without guidance does not depend on the negative prompt", async () => {
    const unguided = { ...cached, guidanceScale: 1 };
    const one = await pipeline.generate(
      requestFor(pipeline, { ...unguided, negativePrompt: "a blue square" }),
    );
    const other = await pipeline.generate(
      requestFor(pipeline, { ...unguided, negativePrompt: "a red ring" }),
    );
    expect(one.latent).toEqual(other.latent);
  });

  it("a generation has the frames and the size it was asked for", async () => {
    const still = await pipeline.generate(
      requestFor(pipeline, { ...request, cache: "fast", frames: 1, width: 32, height: 16 }),
    );
    expect({ ...still.frames, rgb: still.frames.rgb.length }).toEqual({
      width: 32,
      height: 16,
      count: 1,
      rgb: 32 * 16 * 3,
    });
    expect(still.trace.schedule[0]).toMatchObject({ change: null, motionScore: null });
  });
});

describe("generations of one pipeline do not influence each other", () => {
  it("cached and uncached generations of one pipeline do not influence each other", async () => {
    expectSame(await pipeline.generate(requestFor(pipeline, cached)), alone.cached);
    expectSame(await pipeline.generate(requestFor(pipeline, uncached)), alone.uncached);
    expectSame(await pipeline.generate(requestFor(pipeline, cached)), alone.cached);
  });

  it("a generation is not influenced by an earlier one of another shape", async () => {
    await pipeline.generate(requestFor(pipeline, { ...cached, frames: 1, width: 32 }));
    expectSame(await pipeline.generate(requestFor(pipeline, cached)), alone.cached);
  });

  it("a generation is not influenced by one that was cancelled in the middle of a schedule", async () => {
    for (const stopAfter of [1, 2, 5]) {
      const controller = new AbortController();
      const onProgress = ({ done }: Progress) => done === stopAfter && controller.abort();
      const cancelled = pipeline.generate(requestFor(pipeline, cached), {
        signal: controller.signal,
        onProgress,
      });
      await expect(cancelled).rejects.toThrow(CancelledError);
      expectSame(await pipeline.generate(requestFor(pipeline, cached)), alone.cached);
    }
  });

  it("a generation is not influenced by one that failed", async () => {
    const failures: Wanted[] = [
      { ...cached, cache: "quick" },
      { ...cached, warmup: 9 },
      { ...cached, cache: { codebook: [{ below: 1, rate: 2 }] } },
    ];
    for (const failure of failures) {
      await expect(pipeline.generate(requestFor(pipeline, failure))).rejects.toThrow(RequestError);
      expectSame(await pipeline.generate(requestFor(pipeline, cached)), alone.cached);
    }
  });

  it("a generation is not influenced by one whose listener threw", async () => {
    const onProgress = ({ done }: Progress) => {
      if (done === 3) throw new Error("the listener's own");
    };
    await expect(pipeline.generate(requestFor(pipeline, cached), { onProgress })).rejects.toThrow(
      "the listener's own",
    );
    expectSame(await pipeline.generate(requestFor(pipeline, cached)), alone.cached);
  });

  it("a second generation is refused while the first runs", async () => {
    const first = pipeline.generate(requestFor(pipeline, cached));
    const second = pipeline.generate(requestFor(pipeline, { ...uncached, frames: 1 }));
    await expect(second).rejects.toThrow(GenerationError);
    await expect(second).rejects.toThrow(/^This pipeline is making another video: /);
    expectSame(await first, alone.cached);
    expectSame(await pipeline.generate(requestFor(pipeline, uncached)), alone.uncached);
  });

  it("two pipelines do not influence each other", async () => {
    const other = await openPipeline(folder, { threads: 1 });
    const [one, two] = await Promise.all([
      pipeline.generate(requestFor(pipeline, cached)),
      other.generate(requestFor(other, uncached)),
    ]);
    await other.close();
    expectSame(one, alone.cached);
    expectSame(two, alone.uncached);
  });
});

describe("progress", () => {
  it("progress names each stage, counts every step, and never decreases", async () => {
    const seen: Progress[] = [];
    await pipeline.generate(requestFor(pipeline, cached), { onProgress: (progress) => seen.push(progress) });
    const computed = [0, 1, 1, 2, 2, 3, 3, 4, 5];
    expect(seen).toEqual([
      { stage: "load", steps: 8, done: 0, computed: 0 },
      { stage: "encode", steps: 8, done: 0, computed: 0 },
      ...computed.map((count, done) => ({ stage: "denoise", steps: 8, done, computed: count })),
      { stage: "decode", steps: 8, done: 8, computed: 5 },
    ]);
  });
});

describe("cancelling", () => {
  it("a generation that is cancelled before its start rejects, and nothing begins", async () => {
    const seen: Progress[] = [];
    const signal = AbortSignal.abort();
    const generation = pipeline.generate(requestFor(pipeline, cached), {
      signal,
      onProgress: (progress) => seen.push(progress),
    });
    await expect(generation).rejects.toThrow(CancelledError);
    expect(seen).toEqual([]);
  });

  for (const stage of ["load", "encode", "denoise", "decode"] as const) {
    it(`a generation that is cancelled in the stage ${stage} rejects before the next one begins`, async () => {
      const fresh = await openPipeline(folder, { threads: 1 });
      const controller = new AbortController();
      const seen: Progress[] = [];
      const onProgress = (progress: Progress) => {
        seen.push(progress);
        if (progress.stage === stage) controller.abort();
      };
      const generation = fresh.generate(requestFor(fresh, cached), { signal: controller.signal, onProgress });
      await expect(generation).rejects.toThrow("The generation was cancelled.");
      await expect(generation).rejects.toThrow(CancelledError);
      expect(seen.filter((progress) => progress.stage === stage)).toHaveLength(1);
      expect(seen.at(-1)!.stage).toBe(stage);
      expectSame(await fresh.generate(requestFor(fresh, cached)), alone.cached);
      await fresh.close();
    });
  }

  it("a cancel after the end changes nothing", async () => {
    const controller = new AbortController();
    const generation = await pipeline.generate(requestFor(pipeline, cached), { signal: controller.signal });
    controller.abort();
    expectSame(generation, alone.cached);
    expectSame(await pipeline.generate(requestFor(pipeline, cached)), alone.cached);
  });
});

describe("closing", () => {
  it("a close cancels the running generation and refuses any other, and may be repeated", async () => {
    const closing = await openPipeline(folder, { threads: 1 });
    let closed: Promise<void> | null = null;
    const onProgress = ({ done }: Progress) => {
      if (done === 2) closed = closing.close();
    };
    await expect(closing.generate(requestFor(closing, cached), { onProgress })).rejects.toThrow(
      CancelledError,
    );
    await closed;
    await expect(closing.generate(requestFor(closing, cached))).rejects.toThrow("The pipeline is closed.");
    await closing.close();
  });

  it("a close is possible before anything was made", async () => {
    const unused = await openPipeline(folder);
    await unused.close();
  });
});
