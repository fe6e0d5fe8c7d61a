import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  assertProvider,
  type Machine,
  nvidiaGpu,
  ProviderError,
  tryProvider,
} from "../../../lib/generation/accelerator/accelerator.ts";
import { preloadStop } from "../pipeline/preload.ts";

let folder: string;
let machine: Machine;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adareel-machine-"));
  mkdirSync(join(folder, "dev"));
  machine = { deviceFolder: join(folder, "dev"), cudaLibrary: join(folder, "cuda.so") };
});
afterEach(() => rmSync(folder, { recursive: true }));

it("a missing GPU and a missing CUDA library are each refused in a sentence that says what to do", () => {
  const check = () => assertProvider("cuda", machine);
  expect(check).toThrow(
    /^The provider cuda finds no NVIDIA GPU here: .*--gpus all, or take the provider cpu\.$/,
  );
  for (const other of ["nvidiactl", "nvidia-uvm", "dri"]) writeFileSync(join(folder, "dev", other), "");
  expect(check).toThrow(/no NVIDIA GPU/);
  expect(() => assertProvider("cuda", { ...machine, deviceFolder: join(folder, "none") })).toThrow(
    /no NVIDIA GPU/,
  );
  writeFileSync(join(folder, "dev", "nvidia3"), "");
  expect(check).toThrow(
    /^The provider cuda finds no CUDA library of onnxruntime-node here: .*the provider cpu\.$/,
  );
  writeFileSync(machine.cudaLibrary, "");
  expect(check).not.toThrow();
});

it("other providers need neither a GPU nor a CUDA library", () => {
  for (const provider of ["cpu", "webgpu"] as const)
    expect(() => assertProvider(provider, machine)).not.toThrow();
});

it("name and memory of a GPU are what nvidia-smi says of the first one, and unknown where it says nothing", async () => {
  const command = join(folder, "nvidia-smi");
  const says = (script: string) => writeFileSync(command, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  says("echo NVIDIA A10G, 23034; echo NVIDIA H100 80GB HBM3, 81559");
  const first = { name: "NVIDIA A10G", memoryBytes: 23_034 * 2 ** 20 };
  expect(await nvidiaGpu("cuda", { command })).toEqual(first);
  expect(await nvidiaGpu("cpu", { command })).toBeNull();
  says("echo 'NVIDIA GB10, [N/A]'");
  expect(await nvidiaGpu("cuda", { command })).toEqual({ name: "NVIDIA GB10", memoryBytes: null });
  says("echo 'No devices were found'");
  expect(await nvidiaGpu("cuda", { command })).toBeNull();
  says("exit 9");
  expect(await nvidiaGpu("cuda", { command })).toBeNull();
  expect(await nvidiaGpu("cuda", { command: join(folder, "none") })).toBeNull();
});

it("a try that does not answer is ended after its time, and one that is not wanted any more at once", async () => {
  await preloadStop();
  await expect(tryProvider("cpu", { msMax: 500 })).rejects.toThrow(
    "The provider cpu does not work here: it did not answer within 0.5 seconds.",
  );
  const unwanted = new AbortController();
  const trying = tryProvider("cpu", { signal: unwanted.signal });
  unwanted.abort();
  await expect(trying).rejects.toThrow(ProviderError);
});

it("a working provider is accepted, and a broken one is reported in a sentence", async () => {
  await tryProvider("cpu");
  if (existsSync("/dev/nvidia0")) return;
  await expect(tryProvider("cuda")).rejects.toThrow(
    /^The provider cuda does not work here: onnxruntime cannot open the model: [^\n]+\.$/,
  );
});
