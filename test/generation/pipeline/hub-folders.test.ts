/** Parts of folders on the hub that their index does not name, and how their family uses them. */
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import { latentDecoder } from "../../../lib/generation/models/index.ts";
import { checkModel, openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { requestFor } from "./request-for.ts";
import { writeJson } from "./tiny-model.ts";

const golden = join(import.meta.dirname, "../../golden");
const tokenizers = join(import.meta.dirname, "../../../models/demo/tokenizer");
const readJson = async (path: string) => JSON.parse(await readFile(path, "utf8"));

let parent: string;
let count = 0;
let folder: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "adareel-hub-folders-"));
});
afterAll(() => rm(parent, { recursive: true }));
beforeEach(() => {
  folder = join(parent, `model-${count++}`);
});

async function copyPipeline(name: "latte" | "wan"): Promise<Record<string, unknown>> {
  await cp(join(golden, "pipelines", name), folder, { recursive: true });
  await cp(tokenizers, join(folder, "tokenizer"), { recursive: true });
  return readJson(join(folder, "model_index.json"));
}

async function generate(request: object = {}) {
  const pipeline = await openPipeline(folder, { threads: 1 });
  try {
    return await pipeline.generate(
      requestFor(pipeline, { prompt: "a red circle", seed: 1, steps: 2, cache: "off", ...request }),
    );
  } finally {
    await pipeline.close();
  }
}

describe("Latte's second decoder, which no index names", () => {
  const decoder = join(golden, "models/autoencoder-kl-temporal-decoder");

  it("Latte's second decoder makes the pictures where its folder exists", async () => {
    await copyPipeline("latte");
    const plain = await generate();
    const target = join(folder, "vae_temporal_decoder");
    await mkdir(target);
    await cp(join(decoder, "model.safetensors"), join(target, "diffusion_pytorch_model.safetensors"));
    await writeJson(join(target, "config.json"), {
      _class_name: "AutoencoderKLTemporalDecoder",
      ...(await readJson(join(decoder, "config.json"))),
    });
    // Its scale differs from that of the folder's first decoder.
    const { scale } = latentDecoder((await openModelFolder(folder)).part("vae_temporal_decoder"));
    const index = await readJson(join(folder, "model_index.json"));
    await writeJson(join(folder, "model_index.json"), {
      ...index,
      video: { ...index.video, sizes: [[16 * scale, 12 * scale]] },
    });
    const other = await generate();
    expect([other.frames.width, other.frames.height]).toEqual([16 * scale, 12 * scale]);
    expect(other.latent).toEqual(plain.latent);
    expect((await checkModel(folder)).faults).toEqual([]);
  });

  it("Latte's second decoder is ignored without a configuration", async () => {
    await copyPipeline("latte");
    await mkdir(join(folder, "vae_temporal_decoder"));
    expect((await openModelFolder(folder)).partNames).not.toContain("vae_temporal_decoder");
  });
});

it("the noise shift is the family's for the size of the video, whatever the scheduler says", async () => {
  const index = await copyPipeline("wan");
  const latentOf = async (flow_shift: object | undefined, config: object) => {
    const video = { ...(index.video as object), ...(flow_shift && { flow_shift }) };
    await writeJson(join(folder, "model_index.json"), { ...index, video });
    const scheduler = await readJson(join(golden, "pipelines/wan/scheduler/scheduler_config.json"));
    await writeJson(join(folder, "scheduler/scheduler_config.json"), { ...scheduler, ...config });
    return (await generate()).latent;
  };
  const stored = await latentOf(undefined, { flow_shift: 5 });
  expect(await latentOf({ "48x32": 5 }, { flow_shift: 3 })).toEqual(stored);
  expect(await latentOf({ "64x64": 9 }, { flow_shift: 5 })).toEqual(stored);
  expect(await latentOf({ "48x32": 3 }, { flow_shift: 5 })).not.toEqual(stored);
});

it("prompts and negative prompts are rewritten as the family's captions were", async () => {
  await copyPipeline("latte");
  const plain = await generate({ prompt: "a red circle", negativePrompt: "a blue square" });
  const written = await generate({
    prompt: "  A RED circle https://example.com ",
    negativePrompt: "A blue SQUARE <br>",
  });
  expect(written.latent).toEqual(plain.latent);
  expect(written.request.prompt).toBe("  A RED circle https://example.com ");
});
