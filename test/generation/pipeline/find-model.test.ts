import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { modelNameOf } from "../../../lib/generation/checkpoint/index.ts";
import { findModel, modelFolders } from "../../../lib/generation/pipeline/index.ts";
import { RequestError } from "../../../lib/generation/request/index.ts";
import { floatTensors } from "../checkpoint/safetensors-file.ts";

const demo = fileURLToPath(new URL("../../../models/demo", import.meta.url));
let here: string;

beforeEach(async () => {
  here = await mkdtemp(join(tmpdir(), "adareel-find-"));
  for (const model of ["own", "models/added", "models/wan2.1-1.3b"]) {
    await mkdir(join(here, model), { recursive: true });
    await writeFile(join(here, model, "model_index.json"), "{}");
  }
  await mkdir(join(here, "models/begun"));
  return () => rm(here, { recursive: true });
});

describe("a model that is there", () => {
  it.each([
    ["own", "own"],
    ["models/added", "models/added"],
    ["added", "models/added"],
    ["./models/added/", "models/added"],
    ["wan2.1-1.3b", "models/wan2.1-1.3b"],
    ["Wan-AI/Wan2.1-T2V-1.3B-Diffusers", "models/wan2.1-1.3b"],
  ])("the text %j means the folder %s", (text, folder) => {
    expect(findModel(text, here)).toBe(join(here, folder));
  });

  it("a name means a model of the program where the user's folder has none", () => {
    expect(findModel("demo", here)).toBe(demo);
    expect(findModel(demo, here)).toBe(demo);
  });
});

describe("the hub's cache", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const cached = async (name: string, snapshots: readonly string[], main?: string) => {
    const folder = join(here, name);
    for (const snapshot of snapshots) {
      await mkdir(join(folder, "snapshots", snapshot), { recursive: true });
      await writeFile(join(folder, "snapshots", snapshot, "model_index.json"), "{}");
    }
    if (main === undefined) return;
    await mkdir(join(folder, "refs"), { recursive: true });
    await writeFile(join(folder, "refs/main"), `${main}\n`);
  };

  it("a folder of the hub's cache means the snapshot that its main branch names, or the only one", async () => {
    await cached("models--Wan-AI--Wan2.1-T2V-1.3B-Diffusers", ["other", commit], commit);
    const folder = join(here, "models--Wan-AI--Wan2.1-T2V-1.3B-Diffusers");
    expect(findModel(folder, here)).toBe(join(folder, "snapshots", commit));
    await cached("models--a--b", ["only"]);
    expect(findModel("models--a--b", here)).toBe(join(here, "models--a--b/snapshots/only"));
  });

  it("a folder of the hub's cache with several snapshots and no main branch is refused", async () => {
    await cached("models--a--b", ["one", "two"]);
    expect(() => findModel("models--a--b", here)).toThrow(/^models--a--b has no model_index\.json/);
    await cached("models--a--c", ["one"], "../../own");
    expect(() => findModel("models--a--c", here)).toThrow(/^models--a--c has no model_index\.json/);
  });

  it("a model of the hub's cache is named after its repository", () => {
    expect(modelNameOf(`/x/models--a--Some-Model/snapshots/${commit}`)).toBe("some-model");
    expect(modelNameOf("/x/models--a--Some-Model")).toBe("some-model");
    expect(modelNameOf("/x/own")).toBe("own");
  });
});

describe("a file or folder that is given as a model", () => {
  const tensors = (...names: string[]) => floatTensors(Object.fromEntries(names.map((name) => [name, [1]])));

  it.each<[string, Uint8Array | string, RegExp]>([
    [
      "lora.safetensors",
      tensors("blocks.0.attn1.to_q.lora_A.weight"),
      /is a LoRA, which changes a model.*--lora/,
    ],
    ["kohya.safetensors", tensors("lora_unet_blocks_0.lora_down.weight"), /is a LoRA/],
    [
      "comfy.safetensors",
      tensors("model.diffusion_model.blocks.0.x"),
      /single file in ComfyUI's layout.*-Diffusers/,
    ],
    ["wan.safetensors", tensors("blocks.0.self_attn.q.weight"), /transformer alone in its authors' layout/],
    ["vae.safetensors", tensors("decoder.conv1.weight"), /is a file, and a model is a folder/],
    ["page.safetensors", "<!DOCTYPE html><html>", /is not a safetensors file but a page of a website/],
    ["model.gguf", "GGUF\u0003\u0000\u0000\u0000", /is not a safetensors file but a GGUF file/],
    ["pointer.safetensors", "version https://git-lfs.github.com/spec/v1", /a pointer of Git LFS/],
    ["own/model_index.json", "{}", /is the index of a model: give its folder/],
  ])("the file %s is answered with what it is and what to do", async (name, content, sentence) => {
    await writeFile(join(here, name), content);
    expect(() => findModel(join(here, name), here)).toThrow(RequestError);
    expect(() => findModel(join(here, name), here)).toThrow(sentence);
  });

  it.each([
    [["adapter_config.json"], /holds a LoRA/],
    [["pytorch_lora_weights.safetensors"], /holds a LoRA/],
    [["models_t5_umt5-xxl-enc-bf16.pth", "config.json"], /layout of Wan's authors/],
    [["config.json", "diffusion_pytorch_model.safetensors"], /looks like one part of a model/],
    [["wan2.2_ti2v_5B_fp16.safetensors"], /only single files such as wan2\.2_ti2v_5B_fp16\.safetensors/],
    [["model-Q4_K_M.gguf"], /holds GGUF files/],
  ])("a folder with %j is answered with what it is", async (files, sentence) => {
    for (const file of files) await writeFile(join(here, "models/begun", file), "");
    expect(() => findModel("models/begun", here)).toThrow(sentence);
  });
});

it("the models with a name are those of the user's folder and of the program, each name once", async () => {
  expect(modelFolders(here)).toEqual(
    expect.arrayContaining([demo, join(here, "models/added"), join(here, "models/wan2.1-1.3b")]),
  );
  await mkdir(join(here, "models/demo"));
  await writeFile(join(here, "models/demo/model_index.json"), "{}");
  expect(modelFolders(here)).toContain(join(here, "models/demo"));
  expect(modelFolders(here)).not.toContain(demo);
});

describe("a model that is not there", () => {
  const there = "this machine has added, demo and wan2.1-1.3b";
  const add = (name: string, gigabytes: number) =>
    `This downloads it, about ${gigabytes} GB: npm run models -- add ${name}`;

  it.each([
    ["latte-1", `The model latte-1 is not on ${there.replace(" has", ", which has")}. ${add("latte-1", 24)}`],
    ["maxin-cn/Latte-1", /^The model latte-1 is not on this machine.* models -- add latte-1$/],
    ["late-1", `There is no model "late-1": did you mean latte-1? ${add("latte-1", 24)}`],
    ["opensora", `There is no model "opensora": did you mean open-sora-1.2? ${add("open-sora-1.2", 16)}`],
    ["dem", `There is no model "dem": did you mean demo?`],
    ["wan", `There is no model "wan": did you mean wan2.1-1.3b?`],
    ["addad", `There is no model "addad": did you mean added?`],
    [
      "cogvideo",
      /^There is no model "cogvideo": this machine has added, demo and .* downloads latte-1, open-sora-1/,
    ],
    ["", /^There is no model "": this machine has /],
    ["./none", `There is no folder none; ${there}.`],
    ["/none/at/all", `There is no folder /none/at/all; ${there}.`],
    [
      "models/begun",
      /^models\/begun has no model_index\.json, so it is no model\. Adareel reads folders in /,
    ],
  ])("the text %j is answered with what there is and what to do", (text, sentence) => {
    expect(() => findModel(text, here)).toThrow(RequestError);
    expect(() => findModel(text, here)).toThrow(sentence);
  });
});
