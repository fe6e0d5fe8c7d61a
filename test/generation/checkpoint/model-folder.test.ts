import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { CheckpointError, openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import { floatTensors, temporaryFolder } from "./safetensors-file.ts";

const folder = temporaryFolder();
const index = {
  _class_name: "OpenSoraPipeline",
  _diffusers_version: "0.35.0",
  transformer: ["opensora", "STDiT3"],
  scheduler: ["opensora", "RFLOW"],
  safety_checker: [null, null],
};

beforeEach(() => {
  rmSync(folder, { recursive: true });
  for (const name of ["", "transformer", "scheduler"]) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "model_index.json"), JSON.stringify(index));
  writeFileSync(join(folder, "transformer", "config.json"), '{"depth": 2, "mlp": {"ratio": 4.0}}');
  writeFileSync(join(folder, "scheduler", "scheduler_config.json"), '{"num_timesteps": 1000}');
  writeFileSync(join(folder, "transformer", "diffusion_pytorch_model.safetensors"), floatTensors({ a: [1] }));
});

test("parts have class, configuration and weights", async () => {
  const model = await openModelFolder(folder);
  expect(model.className).toBe("OpenSoraPipeline");
  expect(model.partNames).toEqual(["transformer", "scheduler"]);
  const transformer = model.part("transformer");
  expect(transformer.className).toBe("STDiT3");
  expect(transformer.folder).toBe(join(folder, "transformer"));
  expect(JSON.stringify(transformer.config)).toBe('{"depth":2,"mlp":{"ratio":4}}');
  expect((await transformer.checkpoint()).names()).toEqual(["a"]);
  expect(model.part("scheduler").config.num_timesteps).toBe(1000);
});

test("a missing part is named, with the parts that the model has", async () => {
  const model = await openModelFolder(folder);
  const message = "the model has no part vae, only transformer, scheduler";
  expect(() => model.part("vae")).toThrow(new CheckpointError(join(folder, "model_index.json"), message));
});

test("a folder that is named and missing is an error", async () => {
  rmSync(join(folder, "scheduler"), { recursive: true });
  await expect(openModelFolder(folder)).rejects.toThrow(
    /scheduler: model_index\.json names this folder and it is missing$/,
  );
});

test("a part cannot lie outside the model's folder", async () => {
  writeFileSync(join(folder, "model_index.json"), '{"../elsewhere": ["library", "Class"]}');
  await expect(openModelFolder(folder)).rejects.toThrow(/part "\.\.\/elsewhere" is not a folder name$/);
});

test("a folder without model_index.json is named in the error", async () => {
  rmSync(join(folder, "model_index.json"));
  await expect(openModelFolder(folder)).rejects.toThrow(/model_index\.json: no such file or folder$/);
});
