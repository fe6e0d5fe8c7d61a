import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type GpuProcess,
  type GpuProcessOptions,
  startGpuProcess,
} from "../../functions/local/gpu-process.ts";
import { newVideoId } from "../../lib/service/jobs/index.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { hasProcessList, processesWith } from "./processes.ts";

const TIMEOUT_MS = 120_000;
const missing = { tenant: "acme", id: newVideoId(Date, (count) => new Uint8Array(count)) };

let folder: string;
let model: string;
let store: string;
let gpu: GpuProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-gpu-process-"));
  model = await writeTinyModel();
  store = pathToFileURL(join(folder, "store")).href;
});
afterEach(async () => {
  vi.useRealTimers();
  await gpu?.stop();
  gpu = undefined;
  for (const path of [folder, model]) await rm(path, { recursive: true });
});

function start(options: Partial<GpuProcessOptions> = {}) {
  const lost: string[] = [];
  const errors: string[] = [];
  gpu = startGpuProcess({
    env: { STORE: store, MODELS: model, LOG_LEVEL: "silent" },
    onChange: () => undefined,
    onLost: (owner) => lost.push(owner),
    onError: (message) => errors.push(message),
    ...options,
  });
  return { gpu, lost, errors };
}

function kill(): void {
  for (const { pid } of processesWith("STORE", store)) process.kill(pid, "SIGKILL");
}

describe("a first process that does not start", { timeout: TIMEOUT_MS }, () => {
  it("a first process that fails for its configuration is not started again", async () => {
    const { gpu, errors } = start({ env: { STORE: "nowhere", LOG_LEVEL: "silent" } });
    await expect(gpu.started).rejects.toThrow("The GPU function ended while it started (exit code 2).");
    expect(errors).toEqual([]);
  });

  it("a first process that fails for any other reason is not started again, and fails what waits for it", async () => {
    await writeFile(join(folder, "store"), "a file");
    const { gpu } = start();
    const invoked = gpu.invoke(missing);
    await expect(gpu.started).rejects.toThrow("The GPU function ended while it started (exit code 1).");
    await expect(invoked).rejects.toThrow(/ended while it started/);
  });
});

describe.skipIf(!hasProcessList)("a process", { timeout: TIMEOUT_MS }, () => {
  it("a killed process is started again, after telling whose leases nobody will renew", async () => {
    const { gpu, lost, errors } = start();
    expect(await gpu.invoke(missing)).toBe(404);
    kill();
    await vi.waitFor(() => expect(lost).toHaveLength(1), TIMEOUT_MS);
    expect(errors).toEqual(["The GPU function ended (SIGKILL) and is started again."]);
    expect(await gpu.invoke(missing)).toBe(404);
    kill();
    await vi.waitFor(() => expect(lost).toHaveLength(2), TIMEOUT_MS);
    expect(lost[1]).not.toBe(lost[0]);
  });

  it("a process that cannot be started again is retried after ever longer pauses", async () => {
    const { gpu, lost, errors } = start();
    await gpu.started;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await rm(join(folder, "store"), { recursive: true });
    await writeFile(join(folder, "store"), "a file");
    kill();
    const ended = async (count: number) => {
      while (errors.length < count) await new Promise((resolve) => setImmediate(resolve));
      expect(processesWith("STORE", store)).toEqual([]);
    };
    await ended(1);
    for (const [turn, pauseMs] of [400, 800, 1600].entries()) {
      vi.advanceTimersByTime(pauseMs - 1);
      expect(vi.getTimerCount()).toBe(1);
      vi.advanceTimersByTime(1);
      expect(vi.getTimerCount()).toBe(0);
      await ended(turn + 2);
    }
    expect(new Set(errors.slice(1))).toEqual(
      new Set(["The GPU function ended (exit code 1) and is started again."]),
    );
    expect(lost).toHaveLength(1);
  });

  it("a stopped process is gone, also in the middle of its start, and fails what waits for it", async () => {
    const { gpu } = start();
    const invoked = gpu.invoke(missing);
    await Promise.all([gpu.stop(), expect(invoked).rejects.toThrow("The GPU function was stopped.")]);
    expect(processesWith("STORE", store)).toEqual([]);
  });

  it("a stop while no process runs succeeds, and no process is started again", async () => {
    const { gpu, lost } = start();
    await gpu.started;
    kill();
    await vi.waitFor(() => expect(lost).toHaveLength(1), TIMEOUT_MS);
    const invoked = gpu.invoke(missing);
    await Promise.all([gpu.stop(), expect(invoked).rejects.toThrow("The GPU function was stopped.")]);
  });

  it("an unresponsive process is killed when its platform would kill it", async () => {
    const { gpu } = start();
    await gpu.started;
    for (const { pid } of processesWith("STORE", store)) process.kill(pid, "SIGSTOP");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const stopped = gpu.stop();
    vi.advanceTimersByTime(29_999);
    expect(processesWith("STORE", store)).toHaveLength(1);
    vi.advanceTimersByTime(1);
    await stopped;
    expect(processesWith("STORE", store)).toEqual([]);
  });
});
