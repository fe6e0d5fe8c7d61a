/** Videos from pictures, compared with diffusers' WanImageToVideoPipeline (tools/golden/pipeline_wan_pictures.py). */
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import { type Generation, openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { RequestError, resolveRequest } from "../../../lib/generation/request/index.ts";
import { requestFor, type Wanted } from "./request-for.ts";
import { writeJson } from "./tiny-model.ts";

interface Case {
  readonly steps: number;
  readonly guidanceScale: number;
  readonly prompt: string;
  readonly negativePrompt: string | null;
  readonly seed: number;
  /** True if the video ends with a picture too. */
  readonly last: boolean;
}

const golden = join(import.meta.dirname, "../../golden/pipelines/wan-pictures");
const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer");
const [first, last] = [join(golden, "first.png"), join(golden, "last.png")];

// Worst errors measured: 4.2e-6 of a latent, 3e-6 of a pixel in 0..1 beyond its rounding to a byte.
const TOLERANCE = 1e-4;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-wan-pictures-"));
  await cp(golden, folder, { recursive: true });
  for (const kind of ["two", "states", "between"])
    await cp(tokenizer, join(folder, kind, "tokenizer"), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

async function casesOf(kind: string): Promise<Case[]> {
  return JSON.parse(await readFile(join(golden, kind, "cases.json"), "utf8"));
}

function wantedOf({ negativePrompt, last: hasLast, ...rest }: Case): Wanted {
  return {
    ...rest,
    ...(negativePrompt !== null && { negativePrompt }),
    image: first,
    ...(hasLast && { lastImage: last }),
    cache: "off",
  };
}

async function generate(kind: string, wanted: readonly Wanted[]): Promise<Generation[]> {
  const pipeline = await openPipeline(join(folder, kind), { threads: 1 });
  try {
    const generations = [];
    for (const each of wanted) generations.push(await pipeline.generate(requestFor(pipeline, each)));
    return generations;
  } finally {
    await pipeline.close();
  }
}

function worst(actual: ArrayLike<number>, expected: Float32Array): number {
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0);
}

describe.each([
  ["two", "two transformers that take pictures in channels, as Wan 2.2 I2V A14B"],
  ["states", "a transformer that attends to a picture too, as Wan 2.1 I2V"],
  ["between", "a transformer that attends to a first and a last picture, as Wan 2.1 FLF2V"],
])("videos from pictures: %s (%s)", async (kind) => {
  const cases = await casesOf(kind);
  const vectors = await Checkpoint.open(join(golden, kind, "vectors.safetensors"));

  it(`a video from pictures has diffusers' latent, and its frames: ${kind}`, async () => {
    const generations = await generate(kind, cases.map(wantedOf));
    for (const [i, { latent }] of generations.entries()) {
      const expected = await vectors.read(`${i}.latent`); // [C, F, H, W]
      expect(worst(latent, expected) / Math.max(...expected.map(Math.abs))).toBeLessThan(TOLERANCE);
    }
    const { rgb, width, height, count } = generations[0]!.frames;
    const expected = await vectors.read("0.frames"); // [F, 3, H, W] in 0..1
    const area = width * height;
    expect(expected.length).toBe(3 * area * count);
    const bytes = expected.map((_, i) => {
      const [frame, channel, at] = [Math.floor(i / (3 * area)), Math.floor(i / area) % 3, i % area];
      return rgb[(frame * area + at) * 3 + channel]! / 255;
    });
    // Half a level of a byte is lost by rounding.
    expect(worst(bytes, expected)).toBeLessThan(0.5 / 255 + TOLERANCE);
  });
});

describe("a video from pictures", () => {
  const firstCase = async (kind: string) => wantedOf((await casesOf(kind))[0]!);

  it("a reused step keeps the pictures: a cache of one residual changes the latent a little only", async () => {
    for (const kind of ["two", "states"]) {
      const wanted = { ...(await firstCase(kind)), steps: 8 };
      const [computed, reused] = await generate(kind, [wanted, { ...wanted, cache: "static:2" }]);
      expect(reused!.trace.schedule.some((step) => !step.computed)).toBe(true);
      const largest = Math.max(...computed!.latent.map(Math.abs));
      const change = worst(reused!.latent, computed!.latent) / largest;
      expect(change).toBeGreaterThan(0);
      expect(change).toBeLessThan(0.5);
    }
  });

  it("another picture makes another video of the same noise, and so does a last one", async () => {
    const wanted = await firstCase("two");
    const [one, other, ending] = await generate("two", [
      wanted,
      { ...wanted, image: last },
      { ...wanted, lastImage: last },
    ]);
    expect(other!.latent).not.toEqual(one!.latent);
    expect(ending!.latent).not.toEqual(one!.latent);
  });

  it("a model that needs pictures refuses a request without them, in words", async () => {
    const refused = async (kind: string, asked: object) => {
      const pipeline = await openPipeline(join(folder, kind), { threads: 1 });
      try {
        await pipeline.generate(resolveRequest({ prompt: "a red circle", seed: 1, ...asked }, pipeline));
        return "";
      } catch (error) {
        return (error as Error).message;
      } finally {
        await pipeline.close();
      }
    };
    expect(await refused("two", {})).toBe("This model makes videos of a picture: give one.");
    expect(await refused("states", { image: first, last_image: last })).toMatch(/last/);
    expect(await refused("between", { image: first })).toMatch(/give both|last/);
  });

  it("a request that only the weights cannot meet is a fault of the request, in words", async () => {
    const pipeline = await openPipeline(join(folder, "between"), { threads: 1 });
    const { lastImage: _, ...alone } = requestFor(pipeline, await firstCase("between"));
    const refused = await pipeline.generate(alone).catch((error: unknown) => error);
    await pipeline.close();
    expect(refused).toBeInstanceOf(RequestError);
    expect((refused as Error).message).toMatch(/goes from a first picture to a last one: give both\.$/);
  });

  it("a model whose image processor makes pictures that its image encoder does not take is refused", async () => {
    const path = join(folder, "states/image_processor/preprocessor_config.json");
    const stored = JSON.parse(await readFile(path, "utf8"));
    const open = () => openPipeline(join(folder, "states"), { threads: 1 });
    await writeJson(path, { ...stored, crop_size: { height: 20, width: 20 } });
    await expect(open()).rejects.toThrow(
      /makes pictures of 20x20 pixels, and the image encoder takes 28x28$/,
    );
    await writeJson(path, { ...stored, do_center_crop: false });
    await expect(open()).rejects.toThrow(/preprocessor_config\.json cannot be used.*do_center_crop/);
    await writeJson(path, stored);
  });
});
