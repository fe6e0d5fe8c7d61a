import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { assignDevices, countDevices, listedDevices } from "../../../lib/generation/accelerator/index.ts";
import { ConfigError } from "../../../lib/shared/environment.ts";

const LIST = `GPU 0: NVIDIA L40S (UUID: GPU-0a)
GPU 1: NVIDIA A100 (UUID: GPU-1b)
  MIG 1g.10gb     Device  0: (UUID: MIG-1c)
`;

/** Writes a command that lists two GPUs, as nvidia-smi does. */
async function nvidiaSmi(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "adareel-devices-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const command = join(folder, "nvidia-smi");
  await writeFile(command, `#!/bin/sh\n[ "$1" = --list-gpus ] && printf '${LIST}'\n`);
  await chmod(command, 0o755);
  return command;
}

test.skipIf(process.platform === "win32")(
  "each worker gets a GPU of its own by its UUID, which has one order everywhere",
  async () => {
    const command = await nvidiaSmi();
    for (const provider of ["cuda", "auto"] as const)
      expect(await assignDevices({ workers: 2, provider, visible: null }, command)).toEqual([
        "GPU-0a",
        "GPU-1b",
      ]);
    expect(await assignDevices({ workers: 1, provider: "cuda", visible: null }, command)).toEqual([null]);
    await expect(assignDevices({ workers: 3, provider: "cuda", visible: null }, command)).rejects.toThrow(
      new ConfigError("WORKERS is 3, but nvidia-smi lists 2 GPUs: set it to 2 at most, or PROVIDER to cpu."),
    );
  },
);

test("each worker gets one entry of CUDA_VISIBLE_DEVICES, in its order", async () => {
  const assigned = (workers: number, visible: string) =>
    assignDevices({ workers, provider: "cuda", visible });
  expect(await assigned(2, "3, MIG-5f,0")).toEqual(["3", "MIG-5f"]);
  expect(await assigned(1, "3,0")).toEqual(["3"]);
  await expect(assigned(2, "3")).rejects.toThrow(
    "WORKERS is 2, but CUDA_VISIBLE_DEVICES names 1 GPU: set it to 1 at most, or PROVIDER to cpu.",
  );
});

test("workers without CUDA choose no GPU, and WebGPU has one worker", async () => {
  expect(await assignDevices({ workers: 3, provider: "cpu", visible: "0" })).toEqual([null, null, null]);
  expect(await assignDevices({ workers: 2, provider: "auto", visible: null }, "/none")).toEqual([null, null]);
  expect(await assignDevices({ workers: 1, provider: "webgpu", visible: null })).toEqual([null]);
  await expect(assignDevices({ workers: 2, provider: "webgpu", visible: null })).rejects.toThrow(
    "WORKERS must be 1 with PROVIDER=webgpu, which takes the GPU that the system prefers.",
  );
  expect([
    listedDevices({ provider: "cuda", visible: "0,1" }),
    listedDevices({ provider: "cpu", visible: "0" }),
  ]).toEqual([2, null]);
});

test.skipIf(process.platform === "win32")(
  "a machine has as many workers as CUDA_VISIBLE_DEVICES names GPUs, or nvidia-smi lists, and one without",
  async () => {
    const command = await nvidiaSmi();
    const count = (provider: "cuda" | "cpu", visible: string | null) =>
      countDevices({ provider, visible }, command);
    expect(await count("cuda", null)).toBe(2);
    expect(await count("cuda", "4,5,6")).toBe(3);
    expect(await count("cpu", "4,5,6")).toBe(1);
    expect(await countDevices({ provider: "auto", visible: null }, "/none")).toBe(1);
  },
);
