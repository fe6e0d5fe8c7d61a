import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nominalSize } from "../../../lib/generation/models/index.ts";
import { describeModel } from "../../../lib/generation/pipeline/index.ts";
import { readDescription } from "../../../lib/generation/pipeline/model/description.ts";
import { resolveRequest } from "../../../lib/generation/request/index.ts";
import { writeJson } from "./tiny-model.ts";

const request = { prompt: "a red circle", seed: 1 };

/** Configurations of folders on the hub, as far as they say what a model is. */
const folders = {
  "Latte-1": { index: { _class_name: "LattePipeline" }, transformer: { video_length: 16 } },
  "Open-Sora 1.2": {
    index: { _class_name: "OpenSoraPipeline", vae: ["adareel", "OpenSoraVAE_V1_2"] },
    transformer: {},
  },
  "Open-Sora-Plan 1.1 of 65 frames": {
    index: { _class_name: "OpenSoraPlanPipeline" },
    transformer: { video_length: 17 },
  },
  "Open-Sora-Plan 1.1 of 221 frames": {
    index: { _class_name: "OpenSoraPlanPipeline" },
    transformer: { video_length: 56 },
  },
  "Wan 2.1 1.3B": { index: { _class_name: "WanPipeline" }, transformer: { num_layers: 30, in_channels: 16 } },
  "Wan 2.1 14B": { index: { _class_name: "WanPipeline" }, transformer: { num_layers: 40 } },
  "Wan 2.2 A14B": {
    index: { _class_name: "WanPipeline", boundary_ratio: 0.875 },
    transformer: { num_layers: 40 },
  },
  "Wan 2.2 TI2V 5B": {
    index: { _class_name: "WanPipeline", expand_timesteps: true, boundary_ratio: null },
    transformer: { num_layers: 30, in_channels: 48 },
  },
  "Wan 2.2 TI2V 5B, saved as a pipeline of pictures": {
    index: { _class_name: "WanImageToVideoPipeline", expand_timesteps: true, boundary_ratio: null },
    transformer: { num_layers: 30, in_channels: 48, image_dim: 1280 },
  },
  "Wan, FastWan2.1": {
    index: { _class_name: "WanDMDPipeline" },
    transformer: { num_layers: 30, in_channels: 16 },
  },
  "Wan, FastWan2.2": {
    index: { _class_name: "WanDMDPipeline", expand_timesteps: true },
    transformer: { num_layers: 30, in_channels: 48 },
  },
  "Wan, SkyReels-V2 540P": {
    index: { _class_name: "SkyReelsV2Pipeline" },
    transformer: { num_layers: 40, in_channels: 16 },
  },
  "Wan, SkyReels-V2 720P": {
    index: { _class_name: "SkyReelsV2Pipeline", _name_or_path: "Skywork/SkyReels-V2-T2V-14B-720P-Diffusers" },
    transformer: { num_layers: 40, in_channels: 16 },
  },
  "LTX-Video 0.9.0": { index: { _class_name: "LTXPipeline" }, transformer: { num_layers: 28 } },
  "LTX-Video 0.9.5": { index: { _class_name: "LTXConditionPipeline" }, transformer: { num_layers: 28 } },
  "LTX-Video 0.9.7 13B": { index: { _class_name: "LTXConditionPipeline" }, transformer: { num_layers: 48 } },
  "LTX-Video 0.9.8 13B distilled": {
    index: { _class_name: "LTXConditionPipeline", _name_or_path: "Lightricks/LTX-Video-0.9.8-13B-distilled" },
    transformer: { num_layers: 48 },
  },
} as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-family-"));
  await mkdir(join(folder, "transformer"));
});
afterAll(() => rm(folder, { recursive: true }));

async function describeAs(
  name: keyof typeof folders,
  video: object | undefined = undefined,
): ReturnType<typeof readDescription> {
  const { index, transformer } = folders[name];
  await writeJson(join(folder, "transformer/config.json"), transformer);
  await writeJson(join(folder, "model_index.json"), { ...index, video });
  const { limits } = await describeModel(folder);
  const description = await readDescription(folder, { ...index, ...(video && { video }) });
  expect(description.limits).toEqual(limits);
  return description;
}

describe("a folder of the hub, which does not say what it can make, makes by default", () => {
  it.each([
    ["Latte-1", { width: 512, height: 512, frames: 16, fps: 8, steps: 50, guidanceScale: 7.5 }],
    ["Open-Sora 1.2", { width: 848, height: 480, frames: 51, fps: 24, steps: 30, guidanceScale: 7 }],
    [
      "Open-Sora-Plan 1.1 of 65 frames",
      { width: 512, height: 512, frames: 65, fps: 24, steps: 150, guidanceScale: 7.5 },
    ],
    [
      "Open-Sora-Plan 1.1 of 221 frames",
      { width: 512, height: 512, frames: 221, fps: 24, steps: 150, guidanceScale: 7.5 },
    ],
    ["Wan 2.1 1.3B", { width: 832, height: 480, frames: 81, fps: 16, steps: 50, guidanceScale: 5 }],
    ["Wan 2.1 14B", { width: 1280, height: 720, frames: 81, fps: 16, steps: 50, guidanceScale: 5 }],
    ["Wan 2.2 A14B", { width: 1280, height: 720, frames: 81, fps: 16, steps: 40, guidanceScale: 4 }],
    ["Wan 2.2 TI2V 5B", { width: 1280, height: 704, frames: 121, fps: 24, steps: 50, guidanceScale: 5 }],
    [
      "Wan 2.2 TI2V 5B, saved as a pipeline of pictures",
      { width: 1280, height: 704, frames: 121, fps: 24, steps: 50, guidanceScale: 5 },
    ],
    ["Wan, FastWan2.1", { width: 832, height: 480, frames: 61, fps: 16, steps: 3, guidanceScale: 1 }],
    ["Wan, FastWan2.2", { width: 1280, height: 704, frames: 121, fps: 24, steps: 3, guidanceScale: 1 }],
    ["Wan, SkyReels-V2 540P", { width: 960, height: 544, frames: 97, fps: 24, steps: 50, guidanceScale: 6 }],
    [
      "Wan, SkyReels-V2 720P",
      { width: 1280, height: 720, frames: 121, fps: 24, steps: 50, guidanceScale: 6 },
    ],
    ["LTX-Video 0.9.0", { width: 704, height: 512, frames: 161, fps: 25, steps: 50, guidanceScale: 3 }],
    ["LTX-Video 0.9.5", { width: 704, height: 512, frames: 161, fps: 25, steps: 50, guidanceScale: 3 }],
    ["LTX-Video 0.9.7 13B", { width: 704, height: 512, frames: 161, fps: 25, steps: 50, guidanceScale: 3 }],
    [
      "LTX-Video 0.9.8 13B distilled",
      { width: 704, height: 512, frames: 161, fps: 25, steps: 8, guidanceScale: 1 },
    ],
  ] as const)(
    "a hub folder of %s gets the size, length, steps and guidance of its family",
    async (name, expected) => {
      const { limits } = await describeAs(name);
      expect(resolveRequest(request, { model: "", limits })).toMatchObject(expected);
    },
  );
});

describe("every size and length of a family", () => {
  it.each(Object.keys(folders) as (keyof typeof folders)[])(
    "every size and length of %s is one that its decoder makes",
    async (name) => {
      const { limits } = await describeAs(name);
      const edge = name.startsWith("Wan") ? 16 : name.startsWith("LTX") ? 32 : 8;
      expect(limits.sizes.flat().every((pixels) => pixels % edge === 0)).toBe(true);
      const isMade = (frames: number) => {
        if (name.startsWith("Wan")) return frames % 4 === 1;
        if (name.startsWith("LTX")) return frames % 8 === 1;
        return name === "Open-Sora 1.2" ? frames % 17 === 0 : true;
      };
      expect(limits.frames.every(isMade)).toBe(true);
      expect(new Set(limits.frames).size).toBe(limits.frames.length);
    },
  );
});

describe("what a family cannot make is said in one sentence, with what it can", () => {
  it.each([
    [
      "Wan 2.1 1.3B",
      { num_frames: 80 },
      "This model makes 1, 5, 9 and so on up to 81 frames; 80 is not possible.",
    ],
    [
      "Open-Sora 1.2",
      { num_frames: 50 },
      "This model makes 17, 34, 51, 68, 102, 204 or 408 frames; 50 is not possible.",
    ],
    ["Latte-1", { fps: 24 }, "This model makes 8 frames a second; 24 is not possible."],
    ["Wan 2.1 1.3B", { size: "512x512" }, "This model makes 832x480 or 480x832; 512x512 is not possible."],
  ] as const)(
    "a video that %s cannot make is refused with what it can: %o",
    async (name, asked, sentence) => {
      const { limits } = await describeAs(name);
      expect(() => resolveRequest({ ...request, ...asked }, { model: "", limits })).toThrow(sentence);
    },
  );
});

describe("Wan 2.2 TI2V 5B", () => {
  it("Wan 2.2 TI2V 5B takes a picture and needs none, whichever class its folder names", async () => {
    const names = ["Wan 2.2 TI2V 5B", "Wan 2.2 TI2V 5B, saved as a pipeline of pictures"] as const;
    for (const name of names) {
      const { limits } = await describeAs(name);
      expect(limits.takes_image).toBe(true);
      expect(limits.needs_image).toBeUndefined();
    }
    expect((await describeAs("Wan, FastWan2.2")).limits.takes_image).toBeUndefined();
  });
});

describe("what a folder says under video", () => {
  it("the folder's video settings override the family's, member by member", async () => {
    const { limits, recipe } = await describeAs("Wan 2.1 1.3B", { sizes: [[64, 32]], caption: "verbatim" });
    expect(limits).toMatchObject({ sizes: [[64, 32]], steps: 50, guidance_scale: 5 });
    expect(recipe).toMatchObject({ caption: "verbatim", flow_shift: { "832x480": 3 } });
  });

  it("a folder of unknown size makes what the first model makes that its index allows", async () => {
    await writeJson(join(folder, "model_index.json"), { _class_name: "WanPipeline" });
    await writeJson(join(folder, "transformer/config.json"), { num_layers: 30, in_channels: 48 });
    expect((await describeModel(folder)).limits).toMatchObject({ steps: 50, guidance_scale: 5, fps: [16] });
  });
});

it("an unknown pipeline is refused with the list of known families", async () => {
  await writeJson(join(folder, "model_index.json"), { _class_name: "CogVideoXPipeline" });
  await expect(describeModel(folder)).rejects.toThrow(
    /names the pipeline CogVideoXPipeline: only LattePipeline, .*WanPipeline.* are known, and others must say/,
  );
});

it("Open-Sora is told its training size, which is larger than what its decoder makes", async () => {
  const { limits, recipe } = await describeAs("Open-Sora 1.2");
  for (const [width, height] of limits.sizes) {
    const told = nominalSize(recipe, { width, height });
    const made = [told.width, told.height].map((pixels) => Math.floor(pixels / 8) * 8);
    expect(made).toEqual([width, height]);
  }
  expect(nominalSize(recipe, { width: 848, height: 480 })).toEqual({ width: 854, height: 480 });
  expect(Object.keys(recipe.nominal_size)).toHaveLength(4);
});

it("the models that may begin with a picture are those of Open-Sora, Wan 2.2 TI2V 5B and LTX-Video", async () => {
  const taking: string[] = [];
  for (const name of Object.keys(folders) as (keyof typeof folders)[]) {
    if ((await describeAs(name)).limits.takes_image) taking.push(name);
  }
  expect(taking.toSorted()).toEqual([
    "LTX-Video 0.9.0",
    "LTX-Video 0.9.5",
    "LTX-Video 0.9.7 13B",
    "LTX-Video 0.9.8 13B distilled",
    "Open-Sora 1.2",
    "Wan 2.2 TI2V 5B",
    "Wan 2.2 TI2V 5B, saved as a pipeline of pictures",
  ]);
});

it("the family's negative prompt replaces a missing one, and an empty one disables it", async () => {
  const { limits } = await describeAs("Wan 2.1 1.3B");
  expect(resolveRequest(request, { model: "", limits }).negativePrompt).toMatch(/^Bright tones, overexposed/);
  expect(resolveRequest({ ...request, negative_prompt: "" }, { model: "", limits }).negativePrompt).toBe("");
  const latte = await describeAs("Latte-1");
  expect(resolveRequest(request, { model: "", limits: latte.limits }).negativePrompt).toBeNull();
});

it("a missing configuration that decides between sizes is named", async () => {
  await rm(join(folder, "transformer/config.json"));
  await writeJson(join(folder, "model_index.json"), { _class_name: "WanPipeline" });
  await expect(describeModel(folder)).rejects.toThrow(/transformer\/config\.json: no such file or folder$/);
});
