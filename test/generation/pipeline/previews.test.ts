import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Generation,
  measurePreviewMap,
  openPipeline,
  type Pipeline,
  startPipelineProcess,
} from "../../../lib/generation/pipeline/index.ts";
import { autoencoderOf } from "../../../lib/generation/pipeline/measure-preview.ts";
import { type LinearMap, PREVIEW_FILE, type Preview } from "../../../lib/generation/preview/index.ts";
import { requestFor, type Wanted } from "./request-for.ts";
import { writeJson, writeTinyModel } from "./tiny-model.ts";

const wanted = { prompt: "a red circle moves", seed: 5, steps: 8, cache: "static:2" } satisfies Wanted;
const pipelines = join(import.meta.dirname, "../../golden/pipelines");
const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer");

let folder: string;
let mapped: string;
beforeAll(async () => {
  folder = await writeTinyModel();
  mapped = await writeTinyModel();
  await writeMap(mapped);
});
afterAll(async () => {
  for (const path of [folder, mapped]) await rm(path, { recursive: true });
});

/** Writes a map beside a model: of one channel to grey, unless another is given. */
async function writeMap(path: string, { channels = 4, ...given }: Partial<LinearMap> = {}): Promise<void> {
  const row = Array.from({ length: channels }, (_, channel) => (channel === 0 ? 40 : 0));
  await writeJson(join(path, PREVIEW_FILE), {
    kind: "preview map",
    version: 1,
    madeFor: (await autoencoderOf(path)).madeFor,
    measured: {
      adareel: "0.1.0",
      date: "2026-11-30T20:00:00.000Z",
      command: "none",
      videos: 1,
      positions: 100,
      rms: 9,
      r2: 0.9,
    },
    map: { channels, reach: 0, pixels: 1, matrix: [row, row, row], offset: [128, 128, 128], ...given },
  });
}

/** Makes a video with somebody who watches it. */
async function watched(pipeline: Pipeline, asked: Wanted): Promise<Generation & { previews: Preview[] }> {
  const previews: Preview[] = [];
  const generation = await pipeline.generate(requestFor(pipeline, asked), {
    onPreview: (preview) => previews.push(preview),
  });
  return { ...generation, previews };
}

async function opened<Result>(path: string, work: (pipeline: Pipeline) => Promise<Result>): Promise<Result> {
  const pipeline = await openPipeline(path, { threads: 1 });
  try {
    return await work(pipeline);
  } finally {
    await pipeline.close();
  }
}

describe("previews", () => {
  it("a video and its trace are the same bytes with previews and without", async () => {
    await opened(mapped, async (pipeline) => {
      for (const cache of ["off", "static:2", "slow"]) {
        const { previews, notes, ...seen } = await watched(pipeline, { ...wanted, cache });
        const plain = await pipeline.generate(requestFor(pipeline, { ...wanted, cache }));
        expect(seen.latent).toEqual(plain.latent);
        expect(seen.frames).toEqual(plain.frames);
        expect(seen.trace).toEqual(plain.trace);
        expect(notes).toEqual(plain.notes);
        expect(previews[0]).toMatchObject({ step: 2, width: 8, height: 8, frames: 4, seconds: 0.5 });
        expect(previews[0]!.rgb).toHaveLength(4 * 8 * 8 * 3);
        expect(previews.at(-1)!.step).toBeLessThan(8);
      }
    });
  });

  it("a request without previews has none, and no note about that", async () => {
    for (const path of [folder, mapped])
      await opened(path, async (pipeline) => {
        const { previews, notes } = await watched(pipeline, { ...wanted, preview: false });
        expect(previews).toEqual([]);
        expect(notes.join()).not.toContain("preview");
      });
  });

  it("a pipeline without a map learns one from its first video, and says so to who waited", async () => {
    await opened(folder, async (pipeline) => {
      const unwatched = await pipeline.generate(requestFor(pipeline, wanted));
      expect(unwatched.notes.join()).not.toContain("preview");
      const first = await watched(pipeline, wanted);
      expect(first.previews).toEqual([]);
      expect(first.notes).toContain(
        "The model's folder has no map of its autoencoder. So there were no previews of this video, " +
          "and those of the next one use a map learnt from it.",
      );
      const second = await watched(pipeline, wanted);
      expect(second.previews[0]).toMatchObject({ step: 2, frames: 4 });
      expect(second.notes.join()).not.toContain("preview");
      expect(second.latent).toEqual(unwatched.latent);
    });
  });

  it("previews come through a child process, and only to who watches", async () => {
    const pipeline = await startPipelineProcess(mapped, { threads: 1 });
    try {
      const { previews } = await watched(pipeline, wanted);
      const [here] = await opened(mapped, async (own) => (await watched(own, wanted)).previews);
      expect(previews[0]).toEqual(here);
      expect((await watched(pipeline, { ...wanted, preview: false })).previews).toEqual([]);
    } finally {
      await pipeline.close();
    }
  });

  it("a listener that throws ends the generation with its error", async () => {
    const pipeline = await startPipelineProcess(mapped, { threads: 1 });
    try {
      const failing = pipeline.generate(requestFor(pipeline, wanted), {
        onPreview: () => {
          throw new Error("no disk");
        },
      });
      await expect(failing).rejects.toThrow("no disk");
      expect((await watched(pipeline, wanted)).previews[0]).toMatchObject({ step: 2 });
    } finally {
      await pipeline.close();
    }
  });
});

describe("a map that does not fit", () => {
  it.each([
    [
      "another autoencoder",
      (text: string) => text.replace(/"autoencoder":\s*"\w{4}/, '"autoencoder": "0000'),
      / was measured with another autoencoder: .* calibrate [\w-]+ --preview\. So there were no previews/,
    ],
    [
      "a later version",
      (text: string) => text.replace(/"version":\s*1/, '"version": 2'),
      /preview\.json: version is 1, not 2\. So there were no previews/,
    ],
    ["nobody, since it is no JSON", () => "{", /preview\.json: the JSON .*\. So there were no previews/],
  ])("a map for %s is left out, says why, and one is learnt", async (_, change, note) => {
    const copy = await mkdtemp(join(tmpdir(), "adareel-previews-"));
    try {
      await cp(mapped, copy, { recursive: true });
      const path = join(copy, PREVIEW_FILE);
      await writeFile(path, change(await readFile(path, "utf8")));
      await opened(copy, async (pipeline) => {
        const first = await watched(pipeline, wanted);
        expect(first.previews).toEqual([]);
        expect(first.notes.join("\n")).toMatch(note);
        expect((await watched(pipeline, wanted)).previews).not.toEqual([]);
      });
    } finally {
      await rm(copy, { recursive: true });
    }
  });

  it("a map with other channels than the latent's is left out", async () => {
    const copy = await mkdtemp(join(tmpdir(), "adareel-previews-"));
    await cp(mapped, copy, { recursive: true });
    await writeMap(copy, { channels: 3 });
    await opened(copy, async (pipeline) => {
      expect((await watched(pipeline, wanted)).notes.join()).toContain("another autoencoder");
    });
    await rm(copy, { recursive: true });
  });
});

describe("other models", () => {
  async function copied(name: string, channels: number): Promise<string> {
    const copy = await mkdtemp(join(tmpdir(), "adareel-previews-"));
    await cp(join(pipelines, name), copy, { recursive: true });
    await cp(tokenizer, join(copy, "tokenizer"), { recursive: true });
    await writeMap(copy, { channels });
    return copy;
  }

  it("previews follow a video from its first transformer to its second", async () => {
    const { boundaryRatio, scheduler, cases } = JSON.parse(
      await readFile(join(pipelines, "wan-two-transformers/cases.json"), "utf8"),
    );
    const index = JSON.parse(await readFile(join(pipelines, "wan/model_index.json"), "utf8"));
    const { z_dim } = JSON.parse(await readFile(join(pipelines, "wan/vae/config.json"), "utf8"));
    const copy = await copied("wan", z_dim);
    const second = join(pipelines, "wan-two-transformers/transformer_2");
    await cp(second, join(copy, "transformer_2"), { recursive: true });
    await writeJson(join(copy, "scheduler/scheduler_config.json"), scheduler);
    await writeJson(join(copy, "model_index.json"), {
      ...index,
      transformer_2: ["diffusers", "WanTransformer3DModel"],
      boundary_ratio: boundaryRatio,
    });
    const { prompt, seed, steps } = cases[0];
    await opened(copy, async (pipeline) => {
      const asked = { prompt, seed, steps, cache: "off" };
      const { previews, latent, trace } = await watched(pipeline, asked);
      const plain = await pipeline.generate(requestFor(pipeline, asked));
      expect([latent, trace]).toEqual([plain.latent, plain.trace]);
      expect(previews[0]).toMatchObject({ step: 2 });
    });
    await rm(copy, { recursive: true });
  });

  it("frames that are given are shown as they are, from the first preview on", async () => {
    const cases = JSON.parse(await readFile(join(pipelines, "open-sora/cases.json"), "utf8"));
    const copy = await copied("open-sora", 4);
    const { negativePrompt: _, image, ...asked } = cases[2];
    await opened(copy, async (pipeline) => {
      const request = { ...asked, image: join(copy, image), cache: "off" };
      const { previews, latent } = await watched(pipeline, request);
      const plain = await pipeline.generate(requestFor(pipeline, request));
      expect(latent).toEqual(plain.latent);
      const [{ rgb, width, height }] = previews as [Preview];
      const first = Array.from({ length: width * height }, (_, at) =>
        Math.round(Math.min(255, Math.max(0, 128 + 40 * latent[at]!))),
      );
      const shown = Array.from(first, (_, at) => rgb[3 * at]!);
      for (const [at, value] of first.entries()) expect(Math.abs(shown[at]! - value)).toBeLessThanOrEqual(1);
    });
    await rm(copy, { recursive: true });
  });

  it.each([["latte"], ["ltx"], ["wan"], ["open-sora"]])(
    "a map is fitted to the videos of %s",
    async (name) => {
      const copy = await mkdtemp(join(tmpdir(), "adareel-previews-"));
      await cp(join(pipelines, name), copy, { recursive: true });
      await cp(tokenizer, join(copy, "tokenizer"), { recursive: true });
      const requests = await opened(copy, async (pipeline) =>
        [1, 2].map((seed) => requestFor(pipeline, { prompt: "a red circle", seed, steps: 2, cache: "off" })),
      );
      const fitted = await measurePreviewMap(copy, { requests });
      expect(fitted).toMatchObject({ videos: 2, error: { r2: expect.any(Number) } });
      expect(fitted!.error.rms).toBeLessThan(128);
      await rm(copy, { recursive: true });
    },
  );
});
