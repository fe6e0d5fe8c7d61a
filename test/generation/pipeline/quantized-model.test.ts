/** Models whose weights were written in 8-bit integers once, and are used from there. */
import { cp, mkdir, mkdtemp, readdir, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkpoint, openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import { openPipeline, type PipelineOptions, quantizeModel } from "../../../lib/generation/pipeline/index.ts";
import { requestFor } from "./request-for.ts";

const demo = join(import.meta.dirname, "../../../models/demo");
const FILE = "int8.safetensors";

let parent: string;
/** The demo model with a file of integers for its transformer, and for its text encoder too. */
let transformerOnly: string;
let both: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "adareel-quantized-model-"));
  [transformerOnly, both] = [join(parent, "transformer-only"), join(parent, "both")];
  await cp(demo, both, { recursive: true });
  await quantizeModel({ folder: both });
  await cp(both, transformerOnly, { recursive: true });
  await rm(join(transformerOnly, "text_encoder", FILE));
});
afterAll(() => rm(parent, { recursive: true }));

async function latent(
  folder: string,
  options: PipelineOptions = { precision: "int8" },
): Promise<Float32Array> {
  const pipeline = await openPipeline(folder, { threads: 1, ...options });
  try {
    const request = { prompt: "a red circle moves to the right", seed: 1, steps: 3, cache: "off" };
    return (await pipeline.generate(requestFor(pipeline, request))).latent as unknown as Float32Array;
  } finally {
    await pipeline.close();
  }
}

function relativeL2(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [error, size] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return Math.sqrt(error / size);
}

describe("a model with its weights in 8-bit integers", () => {
  it("the weights of the blocks' linear layers and of the text encoder are quantised, and no others", async () => {
    const model = await openModelFolder(both);
    const names = async (part: string) => {
      const file = await Checkpoint.open(join(model.part(part).folder, FILE));
      return file
        .names()
        .flatMap((name) => (name.endsWith(".values") ? name.slice(0, -".values".length) : []));
    };
    const layer =
      /^(spatial|temporal)_blocks\.\d+\.(attn\.qkv|attn\.proj|cross_attn\.\w+|mlp\.fc[12])\.weight$/;
    const transformer = (await model.part("transformer").checkpoint()).names();
    expect((await names("transformer")).toSorted()).toEqual(
      transformer.filter((name) => layer.test(name)).toSorted(),
    );
    const encoder = (await model.part("text_encoder").checkpoint()).names();
    const layers = encoder.filter((name) => /\.(q|k|v|o|wi_0|wi_1|wo)\.weight$/.test(name));
    expect((await names("text_encoder")).toSorted()).toEqual(layers.toSorted());
    expect(await readdir(join(both, "vae"))).not.toContain(FILE);
  });

  it("a video from the file is, bit for bit, that of weights that are quantised on opening", async () => {
    expect(await latent(transformerOnly)).toEqual(await latent(demo));
  });

  it("a text encoder in 8-bit integers changes a video by less than the blocks do", async () => {
    const exact = await latent(demo, {});
    const [blocks, all] = [await latent(transformerOnly), await latent(both)];
    expect(all).not.toEqual(blocks);
    expect(relativeL2(all, blocks)).toBeLessThan(relativeL2(blocks, exact));
  });

  it("the file is not read in float32", async () => {
    expect(await latent(both, {})).toEqual(await latent(demo, {}));
  });

  it("sessions that map their weights make the same video but for rounding", async () => {
    const mapped = await latent(both, { precision: "int8", mappedBytesMin: 1 });
    expect(relativeL2(mapped, await latent(both))).toBeLessThan(1e-3);
  });

  it("a transformer of many weights without the file is refused with the command that writes it", async () => {
    const options = { precision: "int8", mappedBytesMin: 1 } as const;
    await expect(openPipeline(demo, options)).rejects.toThrow(
      `${join(demo, "transformer")}: its weights are too many to be quantised each time it opens: ` +
        `write them in int8 once with npm run models -- convert ${demo} --dtype int8`,
    );
  });

  it("a file that is damaged is refused when the model opens, and not used", async () => {
    const folder = join(parent, "damaged");
    await cp(both, folder, { recursive: true });
    await cp(join(both, "transformer", FILE), join(folder, "text_encoder", FILE));
    await expect(openPipeline(folder, { precision: "int8" })).rejects.toThrow(
      /text_encoder\/int8\.safetensors: it was made from other weights or another configuration: write it again/,
    );
  });

  it("weights that are links into the hub's cache have their file beside the links, and open", async () => {
    const folder = join(parent, "models--someone--demo/snapshots/0123");
    await cp(demo, folder, { recursive: true });
    const blobs = join(parent, "models--someone--demo/blobs");
    await mkdir(blobs, { recursive: true });
    await rename(join(folder, "transformer/model.safetensors"), join(blobs, "abc"));
    await symlink("../../../blobs/abc", join(folder, "transformer/model.safetensors"));
    await quantizeModel({ folder });
    expect(await readdir(blobs)).toEqual(["abc"]);
    expect(await latent(folder)).toEqual(await latent(both));
  });

  it("a folder that cannot be written is named in one sentence", async () => {
    const folder = join(parent, "unwritable");
    await cp(demo, folder, { recursive: true });
    await mkdir(join(folder, "transformer", `${FILE}.partial`));
    await expect(quantizeModel({ folder })).rejects.toThrow(
      `${join(folder, "transformer")}: int8.safetensors cannot be written here (EISDIR): copy the model to a folder of your own`,
    );
  });
});
