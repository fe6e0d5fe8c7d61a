import { ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import {
  CancelledError,
  GenerationError,
  openPipeline,
  type PipelineProcess,
  type ProcessOptions,
  type Progress,
  startPipelineProcess,
} from "../../../lib/generation/pipeline/index.ts";
import { RequestError } from "../../../lib/generation/request/index.ts";
import { RUNNER } from "../../../lib/shared/run/index.ts";
import { eventually } from "../../eventually.ts";
import { preload, preloadStop } from "./preload.ts";
import { requestFor, type Wanted } from "./request-for.ts";
import { writeTinyModel } from "./tiny-model.ts";

const request = {
  prompt: "a red circle moves",
  seed: 5,
  steps: 8,
  cache: "static:2",
} satisfies Wanted;
/** Request that takes longer than any test waits. */
const endless = { ...request, steps: 1000, cache: "off" };

let folder: string;
let shared: PipelineProcess;

beforeAll(async () => {
  folder = await writeTinyModel();
  shared = await start();
});
afterAll(async () => {
  await shared.close();
  await rm(folder, { recursive: true });
});

function start(options: ProcessOptions = {}): Promise<PipelineProcess> {
  return startPipelineProcess(folder, { threads: 1 }, options);
}

/** Starts a process that the test may destroy. */
async function startOwn(options: ProcessOptions = {}): Promise<PipelineProcess> {
  const pipeline = await start(options);
  onTestFinished(() => pipeline.close());
  return pipeline;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Calls `act` once, in the middle of the denoising. */
function whileDenoising(act: () => void): (progress: Progress) => void {
  let hasActed = false;
  return ({ done }) => {
    if (done < 2 || hasActed) return;
    hasActed = true;
    act();
  };
}

describe("a pipeline in a process", () => {
  it("a pipeline in a process gives the same videos, errors, model and limits as one in this process", async () => {
    const inProcess = await openPipeline(folder, { threads: 1 });
    const [here, there] = [
      await inProcess.generate(requestFor(inProcess, request)),
      await shared.generate(requestFor(shared, request)),
    ];
    expect(there.latent).toEqual(here.latent);
    expect(there.frames).toEqual(here.frames);
    expect(there.trace).toEqual(here.trace);
    expect(there.request).toEqual(here.request);
    expect([shared.model, shared.limits]).toEqual([inProcess.model, inProcess.limits]);
    await inProcess.close();
    expect(shared.pid).not.toBe(process.pid);
  });

  it("a pipeline in a process reports every step", async () => {
    const seen: Progress[] = [];
    await shared.generate(requestFor(shared, request), { onProgress: (progress) => seen.push(progress) });
    expect(seen.map(({ done }) => done)).toEqual([0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 8]);
    expect(seen.at(-1)).toEqual({ stage: "decode", steps: 8, done: 8, computed: 5 });
  });

  it("a pipeline in a process refuses a wrong request as such, and goes on", async () => {
    const wrong = { ...request, cache: { codebook: [{ below: 1, rate: 2 }] } };
    await expect(shared.generate(requestFor(shared, { ...request, warmup: 9 }))).rejects.toThrow(
      new RequestError("The warm-up is 9: a warm-up is a whole number of steps, from 0 to the 8 of the run."),
    );
    await expect(shared.generate(requestFor(shared, wrong))).rejects.toThrow(RequestError);
    await expect(shared.generate(requestFor(shared, request))).resolves.toHaveProperty("frames");
  });

  it("a pipeline in a process refuses a request that cannot be sent, and goes on", async () => {
    await expect(shared.generate(requestFor(shared, { ...request, cache: () => 1 }))).rejects.toThrow(
      /could not be cloned/,
    );
    await expect(shared.generate(requestFor(shared, request))).resolves.toHaveProperty("frames");
  });

  it("a pipeline in a process refuses a second generation while the first runs", async () => {
    const first = shared.generate(requestFor(shared, request));
    await expect(shared.generate(requestFor(shared, request))).rejects.toThrow(
      /^This pipeline is making another video: /,
    );
    await expect(first).resolves.toHaveProperty("frames");
  });

  it("a pipeline in a process rethrows what the listener throws, also at the very end, and goes on", async () => {
    for (const stage of ["load", "denoise", "decode"]) {
      const onProgress = (progress: Progress) => {
        if (progress.stage === stage) throw new Error(`thrown in ${stage}`);
      };
      await expect(shared.generate(requestFor(shared, request), { onProgress })).rejects.toThrow(
        `thrown in ${stage}`,
      );
      await expect(shared.generate(requestFor(shared, request))).resolves.toHaveProperty("frames");
    }
  });
});

describe("cancelling", () => {
  it("a cancel before the start rejects and sends nothing", async () => {
    const generation = shared.generate(requestFor(shared, request), { signal: AbortSignal.abort() });
    await expect(generation).rejects.toThrow(CancelledError);
  });

  it("a cancel in the middle rejects, and does not influence the next video", async () => {
    const before = await shared.generate(requestFor(shared, request));
    const controller = new AbortController();
    const onProgress = whileDenoising(() => controller.abort());
    const cancelled = shared.generate(requestFor(shared, endless), { signal: controller.signal, onProgress });
    await expect(cancelled).rejects.toThrow(CancelledError);
    const after = await shared.generate(requestFor(shared, request));
    expect(after.latent).toEqual(before.latent);
    expect(isAlive(shared.pid)).toBe(true);
  });

  it("a cancel kills a process that does not stop", async () => {
    const pipeline = await startOwn();
    const controller = new AbortController();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const onProgress = whileDenoising(() => {
      process.kill(pipeline.pid, "SIGSTOP"); // reacts to nothing, as in a very long run
      controller.abort();
      vi.advanceTimersByTime(5_000);
    });
    const cancelled = pipeline.generate(requestFor(pipeline, endless), {
      signal: controller.signal,
      onProgress,
    });
    await expect(cancelled).rejects.toThrow(CancelledError);
    expect(isAlive(pipeline.pid)).toBe(false);
    await expect(pipeline.generate(requestFor(pipeline, request))).rejects.toThrow(GenerationError);
  });

  it("a generation leaves no listener on the signal, however it ends", async () => {
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    vi.spyOn(signal, "addEventListener").mockImplementation((...args: Parameters<typeof add>) => {
      listeners.add(args[1]);
      add(...args);
    });
    vi.spyOn(signal, "removeEventListener").mockImplementation((...args: Parameters<typeof remove>) => {
      listeners.delete(args[1]);
      remove(...args);
    });
    const generation = shared.generate(requestFor(shared, request), { signal });
    expect(listeners.size).toBe(1);
    await generation;
    await shared.generate(requestFor(shared, { ...request, prompt: "" }), { signal }).catch(() => undefined);
    await shared
      .generate(requestFor(shared, { ...request, cache: () => 1 }), { signal })
      .catch(() => undefined);
    expect(listeners.size).toBe(0);
  });
});

describe("ending", () => {
  it("a kill fails the running generation, and the process is gone", async () => {
    const pipeline = await startOwn();
    const onProgress = whileDenoising(() => pipeline.kill());
    const killed = pipeline.generate(requestFor(pipeline, endless), { onProgress });
    await expect(killed).rejects.toThrow(new GenerationError("The generating process was killed."));
    expect([isAlive(pipeline.pid), pipeline.isOpen]).toEqual([false, false]);
    await expect(pipeline.generate(requestFor(pipeline, request))).rejects.toThrow(
      "The generating process was killed.",
    );
  });

  it("a close cancels the running generation, and the process is gone", async () => {
    const pipeline = await startOwn();
    let closed: Promise<void> | undefined;
    const onProgress = whileDenoising(() => {
      closed = pipeline.close();
    });
    await expect(pipeline.generate(requestFor(pipeline, endless), { onProgress })).rejects.toThrow(
      CancelledError,
    );
    await closed;
    expect(isAlive(pipeline.pid)).toBe(false);
    await expect(pipeline.generate(requestFor(pipeline, request))).rejects.toThrow("The pipeline is closed.");
    await pipeline.close();
  });

  it("a close kills a process that does not end by itself", async () => {
    const pipeline = await startOwn();
    process.kill(pipeline.pid, "SIGSTOP");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const closed = pipeline.close();
    vi.advanceTimersByTime(5_000);
    await closed;
    expect(isAlive(pipeline.pid)).toBe(false);
  });

  for (const signal of ["SIGSEGV", "SIGABRT", "SIGTERM"] as const) {
    it(`a process that ends by ${signal} fails the running generation with one sentence`, async () => {
      const pipeline = await startOwn();
      const onProgress = whileDenoising(() => process.kill(pipeline.pid, signal));
      await expect(pipeline.generate(requestFor(pipeline, endless), { onProgress })).rejects.toThrow(
        new GenerationError(`The generating process ended unexpectedly (${signal}).`),
      );
      await expect(pipeline.generate(requestFor(pipeline, request))).rejects.toThrow(GenerationError);
      await pipeline.close();
    });
  }

  it("a process that ends by SIGKILL says that memory may have run out", async () => {
    const pipeline = await startOwn();
    const onProgress = whileDenoising(() => process.kill(pipeline.pid, "SIGKILL"));
    await expect(pipeline.generate(requestFor(pipeline, endless), { onProgress })).rejects.toMatchObject({
      message: "The generating process was killed; the machine may have run out of memory.",
      fault: "killed",
    });
  });

  it("a process that ends between two generations fails the next one", async () => {
    const pipeline = await startOwn();
    await pipeline.generate(requestFor(pipeline, request));
    expect(pipeline.isOpen).toBe(true);
    process.kill(pipeline.pid, "SIGTERM");
    await expect(pipeline.generate(requestFor(pipeline, request))).rejects.toThrow(GenerationError);
    expect([isAlive(pipeline.pid), pipeline.isOpen]).toEqual([false, false]);
  });

  for (const [what, act, code] of [
    ["an uncaught error in the process", "Promise.reject('A test rejects this on purpose.')", 1],
    ["an exit of the process without an error", "process.exit(0)", 0],
  ] as const) {
    it(`${what} fails the running generation`, async () => {
      await preload(`process.on("SIGUSR2", () => ${act});`);
      const pipeline = await startOwn();
      const onProgress = whileDenoising(() => process.kill(pipeline.pid, "SIGUSR2"));
      await expect(pipeline.generate(requestFor(pipeline, endless), { onProgress })).rejects.toThrow(
        new GenerationError(`The generating process ended unexpectedly (exit code ${code}).`),
      );
    });
  }

  it("a pipeline in a process survives Ctrl-C, which a terminal sends to both", async () => {
    const onProgress = whileDenoising(() => process.kill(shared.pid, "SIGINT"));
    await expect(shared.generate(requestFor(shared, request), { onProgress })).resolves.toHaveProperty(
      "frames",
    );
  });
});

describe("opening", () => {
  it("an open of a folder without a model rejects", async () => {
    const opening = startPipelineProcess(join(folder, "vae"));
    await expect(opening).rejects.toThrow(GenerationError);
    await expect(opening).rejects.toThrow(/model_index\.json: no such file or folder$/);
  });

  for (const [how, name, reason] of [
    ["later", "no-node", /^The generating process failed: spawn .*ENOENT\.$/],
    ["at once", "no\0node", /^The generating process failed: /],
  ] as const) {
    it(`an open rejects where no process can be started, if the system says so ${how}`, async () => {
      const { execPath } = process;
      onTestFinished(() => {
        process.execPath = execPath;
      });
      process.execPath = join(folder, name);
      const opening = start();
      await expect(opening).rejects.toThrow(GenerationError);
      await expect(opening).rejects.toThrow(reason);
    });
  }

  it("an open whose process is killed says that memory may have run out", async () => {
    await preload(`process.kill(process.pid, "SIGKILL");`);
    await expect(start()).rejects.toMatchObject({ name: "GenerationError", fault: "killed" });
  });

  it("a cancel of an open ends it at once, and its process with it", async () => {
    const pidFile = await preloadStop();
    const controller = new AbortController();
    const opening = start({ signal: controller.signal });
    opening.catch(() => undefined);
    const pid = await eventually(async () => Number(await readFile(pidFile, "utf8")));
    controller.abort();
    await expect(opening).rejects.toThrow(CancelledError);
    expect(isAlive(pid)).toBe(false);
  });

  it("a cancel before an open starts no process", async () => {
    await expect(start({ signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
  });
});

describe("a process that hangs", () => {
  it("a process that does not open the model in time is killed", async () => {
    await preloadStop();
    await expect(start({ silenceMsMax: 1000 })).rejects.toMatchObject({
      message: "The generating process made no progress for too long and was killed.",
      fault: "stalled",
    });
  });

  it("a process that makes no step in time is killed, though it uses its processor", async () => {
    await preload(`process.on("SIGUSR2", () => { for (;;); });`);
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const pipeline = await startOwn({ silenceMsMax: 10_000 });
    let hasSeen = false;
    const onProgress = whileDenoising(() => {
      hasSeen = process.kill(pipeline.pid, "SIGUSR2");
    });
    let isOver = false;
    const generation = pipeline.generate(requestFor(pipeline, endless), { onProgress }).finally(() => {
      isOver = true;
    });
    generation.catch(() => undefined);
    while (!isOver) {
      if (hasSeen) vi.advanceTimersByTime(1000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await expect(generation).rejects.toMatchObject({ fault: "stalled" });
    expect([isAlive(pipeline.pid), pipeline.isOpen]).toEqual([false, false]);
  });

  it.skipIf(process.platform === "win32")(
    "a process that a signal stops is killed, long before",
    async () => {
      const pipeline = await startOwn({ silenceMsMax: 3_600_000 });
      const onProgress = whileDenoising(() => process.kill(pipeline.pid, "SIGSTOP"));
      await expect(pipeline.generate(requestFor(pipeline, endless), { onProgress })).rejects.toMatchObject({
        message: "The generating process was stopped by a signal and was killed.",
        fault: "stalled",
      });
      expect(isAlive(pipeline.pid)).toBe(false);
    },
  );

  it("a process that cannot be killed is given up, and says that it is still there", async () => {
    const pipeline = await startOwn();
    process.kill(pipeline.pid, "SIGSTOP");
    const spared = vi.spyOn(ChildProcess.prototype, "kill").mockReturnValue(true);
    onTestFinished(() => {
      spared.mockRestore();
      process.kill(pipeline.pid, "SIGKILL");
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const closed = pipeline.close();
    vi.advanceTimersByTime(15_000);
    await closed;
    expect(pipeline.hasExited).toBe(false);
  });
});

/** Parents are processes of their own, because the tests look at what is left when they end. */
describe("a parent", () => {
  const script = join(import.meta.dirname, "parent.ts");

  function startParent(args: string[]): ChildProcess {
    const parent = spawn(process.execPath, [RUNNER, script, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void parent.kill("SIGKILL"));
    return parent;
  }

  /**
   * Returns all output of the parent and its child, which has its parent's stdout: the stream ends when both are gone.
   */
  async function outputOf(parent: ChildProcess): Promise<[code: number | null, output: string]> {
    let output = "";
    parent.stdout!.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const [code] = await once(parent, "close");
    return [code, output];
  }

  for (const [state, code, signal] of [
    ["has more to do", "setInterval(() => undefined, 1000);", "SIGUSR2"],
    ["never returns from a run", "for (;;);", "SIGUSR2"],
    ["is stopped", "", "SIGSTOP"],
  ] as const) {
    it.skipIf(process.platform === "win32")(
      `a killed parent takes a process with it that ${state}`,
      async () => {
        await preload(`process.on("SIGUSR2", () => { ${code} });`);
        const parent = startParent([folder]);
        const lines = createInterface({ input: parent.stdout! });
        let pid = 0;
        for await (const line of lines) {
          pid ||= Number(line.replace("process ", ""));
          if (Number(line) > 2) break;
        }
        process.kill(pid, signal);
        parent.kill("SIGKILL");
        expect(await outputOf(parent)).toEqual([null, expect.anything()]);
      },
    );
  }

  it("a closed pipeline does not keep its parent alive", async () => {
    await expect(outputOf(startParent([folder, "once"]))).resolves.toEqual([0, "4 frames\n"]);
  });

  it("a pipeline that could not be opened does not keep its parent alive, and leaves no process", async () => {
    const missing = join(folder, "missing");
    const sentence = `${missing}/model_index.json: no such file or folder\n`;
    await expect(outputOf(startParent([missing, "once"]))).resolves.toEqual([0, sentence]);
  });
});
