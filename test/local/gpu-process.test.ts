import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import {
  type GpuEnd,
  type GpuProcess,
  type GpuProcessOptions,
  startGpuProcess,
} from "../../functions/local/gpu-process.ts";
import { newVideoId } from "../../lib/service/jobs/index.ts";
import { eventually } from "../eventually.ts";
import { preload } from "../generation/pipeline/preload.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { hasProcessList, processesWith } from "./processes.ts";

const TIMEOUT_MS = 300_000;
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
  const hangs: GpuEnd["hang"][] = [];
  gpu = startGpuProcess({
    env: { STORE: store, MODELS: model, LOG_LEVEL: "silent" },
    onChange: () => undefined,
    onLost: (owner) => lost.push(owner),
    onEnd: ({ hang, message }) => {
      hangs.push(hang);
      errors.push(message);
    },
    ...options,
  });
  return { gpu, lost, errors, hangs };
}

function kill(signal: NodeJS.Signals = "SIGKILL"): void {
  for (const { pid } of processesWith("STORE", store)) process.kill(pid, signal);
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
    await eventually(() => expect(lost).toHaveLength(1));
    expect(errors).toEqual(["The GPU function ended (SIGKILL) and is started again."]);
    expect(await gpu.invoke(missing)).toBe(404);
    kill();
    await eventually(() => expect(lost).toHaveLength(2));
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
    await eventually(() => expect(lost).toHaveLength(1));
    const invoked = gpu.invoke(missing);
    await Promise.all([gpu.stop(), expect(invoked).rejects.toThrow("The GPU function was stopped.")]);
  });

  it("a process that a signal stops is killed and started again, and fails what waits for it", async () => {
    const { gpu, lost, errors, hangs } = start();
    await gpu.started;
    expect(gpu.fault).toBeNull();
    kill("SIGSTOP");
    const invoked = gpu.invoke(missing);
    await Promise.all([
      expect(invoked).rejects.toThrow(/socket hang up|ECONNRESET/),
      eventually(() => expect(gpu.fault).toBe("The GPU function does not answer.")),
    ]);
    await eventually(() => expect(lost).toHaveLength(1));
    expect(hangs).toEqual(["stopped"]);
    expect(errors).toEqual(["The GPU function was stopped by a signal, was killed and is started again."]);
    expect(gpu.fault).toBe("The GPU function is being started.");
    expect(await gpu.invoke(missing)).toBe(404);
    expect(gpu.fault).toBeNull();
  });

  it("a process whose main thread never returns is killed after 15 unanswered pings, and not before", async () => {
    await preload(`process.on("SIGUSR2", () => { for (;;); });`);
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const { gpu, hangs, errors } = start();
    await gpu.started;
    kill("SIGUSR2");
    const tick = async () => {
      vi.advanceTimersByTime(1000);
      // Looking at the process reads a file.
      await sleep(50);
    };
    for (let unanswered = 1; unanswered < 15; unanswered++) await tick();
    expect([processesWith("STORE", store).length, gpu.fault]).toEqual([
      1,
      "The GPU function does not answer.",
    ]);
    await tick();
    await eventually(() => expect(hangs).toEqual(["silent"]));
    expect(errors).toEqual([
      "The GPU function did not answer for 15 seconds, was killed and is started again.",
    ]);
  });

  it("a process that answers is not killed, however many pings there are", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const { gpu, hangs } = start();
    await gpu.started;
    for (let ping = 0; ping < 50; ping++) {
      vi.advanceTimersByTime(1000);
      await sleep(10);
    }
    expect([hangs, gpu.fault]).toEqual([[], null]);
  });

  it("a process for which there is no memory is tried again", async () => {
    const { gpu, errors } = start();
    await gpu.started;
    const { execPath } = process;
    onTestFinished(() => {
      process.execPath = execPath;
    });
    process.execPath = "no\0node";
    kill();
    await eventually(() => expect(errors).toHaveLength(2));
    expect(errors[1]).toMatch(/^The GPU function could not be started \(.*\), which is tried again\.$/);
    process.execPath = execPath;
    expect(await gpu.invoke(missing)).toBe(404);
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
