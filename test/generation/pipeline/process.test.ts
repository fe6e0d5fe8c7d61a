import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import {
  CancelledError,
  GenerationError,
  openPipeline,
  type PipelineProcess,
  type Progress,
  startPipelineProcess,
} from "../../../lib/generation/pipeline/index.ts";
import { RequestError } from "../../../lib/generation/request/index.ts";
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

function start(): Promise<PipelineProcess> {
  return startPipelineProcess(folder, { threads: 1 });
}

/** Starts a process that the test may destroy. */
async function startOwn(): Promise<PipelineProcess> {
  const pipeline = await start();
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
      vi.runAllTimers();
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
    vi.runAllTimers();
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

  it("an uncaught error in the process fails the running generation", async () => {
    const preload = join(folder, "unhandled.mjs");
    await writeFile(
      preload,
      "process.on('SIGUSR2', () => Promise.reject('A test rejects this on purpose.'));",
    );
    vi.stubEnv("NODE_OPTIONS", `--import ${pathToFileURL(preload)}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    const pipeline = await startOwn();
    const onProgress = whileDenoising(() => process.kill(pipeline.pid, "SIGUSR2"));
    await expect(pipeline.generate(requestFor(pipeline, endless), { onProgress })).rejects.toThrow(
      new GenerationError("The generating process ended unexpectedly (exit code 1)."),
    );
  });

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

  it("an open rejects where no process can be started", async () => {
    const { execPath } = process;
    onTestFinished(() => {
      process.execPath = execPath;
    });
    process.execPath = join(folder, "no-node");
    await expect(start()).rejects.toThrow(/^The generating process failed: spawn .*ENOENT\.$/);
  });
});

/** Parents are processes of their own, because the tests look at what is left when they end. */
describe("a parent", () => {
  const script = join(import.meta.dirname, "parent.ts");

  function startParent(args: string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const parent = spawn(process.execPath, ["--import", "tsx", script, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ...env },
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

  it("a killed parent takes the process with it, though it would have more to do", async () => {
    const preload = join(folder, "busy.mjs");
    await writeFile(preload, "setInterval(() => undefined, 1000);");
    const parent = startParent([folder], { NODE_OPTIONS: `--import ${pathToFileURL(preload)}` });
    const lines = createInterface({ input: parent.stdout! });
    for await (const line of lines) if (Number(line) > 2) break;
    parent.kill("SIGKILL");
    const [code] = await outputOf(parent);
    expect(code).toBeNull();
  });

  it("a closed pipeline does not keep its parent alive", async () => {
    await expect(outputOf(startParent([folder, "once"]))).resolves.toEqual([0, "4 frames\n"]);
  });

  it("a pipeline that could not be opened does not keep its parent alive, and leaves no process", async () => {
    const missing = join(folder, "missing");
    const sentence = `${missing}/model_index.json: no such file or folder\n`;
    await expect(outputOf(startParent([missing, "once"]))).resolves.toEqual([0, sentence]);
  });
});
