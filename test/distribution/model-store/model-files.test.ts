import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { modelFiles } from "../../../lib/distribution/model-store/model-files.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-model-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), path);
  }
}

const pathsOf = (files: readonly { path: string }[]) => files.map(({ path }) => path);

it("a model consists of all files of its folder except hidden ones, sorted by path", async () => {
  await write("vae/config.json", "LICENSE", "model_index.json", "text_encoder/model.safetensors");
  await write(".gitattributes", ".cache/huggingface/download/x.lock", "vae/.DS_Store");
  const { files, foreign } = await modelFiles(folder);
  expect(pathsOf(files)).toEqual([
    "LICENSE",
    "model_index.json",
    "text_encoder/model.safetensors",
    "vae/config.json",
  ]);
  expect(files[0]?.sizeBytes).toBe(7);
  expect(foreign).toEqual([]);
});

it("the LoRAs of a model go with it", async () => {
  await write(
    "model_index.json",
    "loras/style.safetensors",
    "loras/style.json",
    "loras/fast/high_noise_model.safetensors",
  );
  expect(pathsOf((await modelFiles(folder)).files)).toEqual([
    "loras/fast/high_noise_model.safetensors",
    "loras/style.json",
    "loras/style.safetensors",
    "model_index.json",
  ]);
});

it("weights in formats that are never read are left out, and named", async () => {
  await write("text_encoder/pytorch_model.bin", "text_encoder/model.safetensors", "vae/model.onnx");
  const { files, foreign } = await modelFiles(folder);
  expect(pathsOf(files)).toEqual(["text_encoder/model.safetensors"]);
  expect(pathsOf(foreign)).toEqual(["text_encoder/pytorch_model.bin", "vae/model.onnx"]);
});

it("links are followed inside the folder and refused out of it", async () => {
  await write("blobs/1", "vae/config.json");
  await symlink("../blobs/1", join(folder, "vae", "model.safetensors"));
  expect(pathsOf((await modelFiles(folder)).files)).toContain("vae/model.safetensors");
  await symlink("/etc/hostname", join(folder, "vae", "outside"));
  await expect(modelFiles(folder)).rejects.toThrow(
    `${join(folder, "vae", "outside")} is a link out of the folder: copy the folder with its files, as cp -rL does, and push the copy.`,
  );
});

it("a file that cannot be stored is named in one sentence", async () => {
  const place = (name: string) => join(folder, name);
  await write("my notes.txt");
  await expect(modelFiles(folder)).rejects.toThrow(
    /my notes\.txt" cannot be stored: give it a name of .*\.$/,
  );
  await rm(place("my notes.txt"));
  await symlink("nowhere", place("broken"));
  await expect(modelFiles(folder)).rejects.toThrow(`${place("broken")} cannot be read (ENOENT).`);
  await rm(place("broken"));
  await symlink(".", place("circle"));
  await expect(modelFiles(folder)).rejects.toThrow(`${place("circle")} is neither a file nor a folder`);
  await rm(place("circle"));
  execFileSync("mkfifo", [place("pipe")]);
  await expect(modelFiles(folder)).rejects.toThrow(`${place("pipe")} is neither a file nor a folder`);
  await expect(modelFiles(place("missing"))).rejects.toThrow("missing cannot be read (ENOENT).");
});
