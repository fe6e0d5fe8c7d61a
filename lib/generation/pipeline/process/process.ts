import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { RequestError, type ResolvedRequest } from "../../request/index.ts";
import { CancelledError, GenerationError } from "../errors.ts";
import type { PipelineOptions } from "../model/parts.ts";
import {
  BUSY,
  CLOSED,
  type GenerateOptions,
  type Generation,
  type Pipeline,
  type Progress,
} from "../pipeline.ts";
import type { FromChild, ToChild } from "./messages.ts";

/**
 * A pipeline in a child process. After the process has ended, every further generation fails with a GenerationError
 * that says why.
 */
export interface PipelineProcess extends Pipeline {
  readonly pid: number;
  /** False once the process has ended, or `close` or `kill` was called. */
  readonly isOpen: boolean;
  /** Kills the process at once, even in the middle of a run. */
  kill(): void;
}

/** Milliseconds that a generation has to finish its current step before its process is killed. */
const STOP_GRACE_MS = 5000;

type Opened = Extract<FromChild, { kind: "opened" }>;
type Generated = Extract<FromChild, { kind: "generated" }>;

/** Question to the child that is not answered yet. */
interface Asked {
  readonly answered: (answer: Opened | Generated) => void;
  readonly failed: (error: Error) => void;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/**
 * Opens a model folder in a child process. The contract is that of `openPipeline`, with two differences: a cancelled
 * generation that does not stop in time is killed, and a crash of the runtime rejects the generation instead of ending
 * this process.
 *
 * @throws GenerationError if the process or the model cannot be opened
 * @example
 * ```ts
 * const pipeline = await startPipelineProcess("models/demo", { threads: 2 });
 * const request = resolveRequest({ prompt: "a red circle", seed: 1 }, pipeline);
 * const { frames } = await pipeline.generate(request, { signal: AbortSignal.timeout(60_000) });
 * await pipeline.close();
 * ```
 */
export async function startPipelineProcess(
  folder: string,
  options: PipelineOptions = {},
): Promise<PipelineProcess> {
  const child = startChild();
  const closed = new GenerationError(CLOSED);
  let asked: Asked | null = null;
  /** Error that every further generation fails with; null while there can be more. */
  let ended: GenerationError | null = null;

  child.on("message", (message: FromChild) => {
    if (message.kind === "progress") return asked?.onProgress?.(message.progress);
    const question = asked;
    asked = null;
    if (message.kind === "failed") question?.failed(errorOf(message));
    else question?.answered(message);
  });
  const end = (error: GenerationError) => {
    ended ??= error;
    asked?.failed(ended);
    asked = null;
  };
  child.on("error", (cause) =>
    end(new GenerationError(`The generating process failed: ${cause.message}.`, { cause })),
  );
  child.on("exit", (code, signal) => end(exitError(code, signal)));

  function ask<A extends Opened | Generated>(
    message: ToChild,
    onProgress?: (progress: Progress) => void,
  ): Promise<A> {
    return new Promise<A>((answered, failed) => {
      tell(child, message);
      asked = { answered: answered as Asked["answered"], failed, onProgress };
    });
  }

  async function generate(
    request: ResolvedRequest,
    { signal, onProgress }: GenerateOptions = {},
  ): Promise<Generation> {
    if (ended) throw ended;
    if (asked) throw new GenerationError(BUSY);
    if (signal?.aborted) throw new CancelledError();
    let grace: NodeJS.Timeout | undefined;
    const cancel = () => {
      tell(child, { kind: "cancel" });
      grace ??= setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
    };
    const faults: unknown[] = [];
    const report = (progress: Progress) => {
      try {
        onProgress?.(progress);
      } catch (error) {
        faults.push(error);
        cancel();
      }
    };
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const { generation } = await ask<Generated>({ kind: "generate", request }, report);
      if (faults.length === 0) return generation;
      throw faults[0];
    } catch (error) {
      if (faults.length > 0) throw faults[0];
      // A generation whose process was killed because it did not stop in time counts as cancelled.
      throw signal?.aborted || error === closed ? new CancelledError() : error;
    } finally {
      clearTimeout(grace);
      signal?.removeEventListener("abort", cancel);
    }
  }

  try {
    const { model, limits } = await ask<Opened>({ kind: "open", folder, options });
    return {
      pid: child.pid!,
      get isOpen() {
        return ended === null;
      },
      model,
      limits,
      generate,
      kill() {
        ended ??= new GenerationError("The generating process was killed.");
        child.kill("SIGKILL");
      },
      close() {
        ended ??= closed;
        return stop(child);
      },
    };
  } catch (error) {
    await stop(child);
    throw error;
  }
}

function startChild(): ChildProcess {
  const entry = new URL(`./child${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);
  return fork(entry, {
    serialization: "advanced",
    execArgv: entry.pathname.endsWith(".ts") ? ["--import", import.meta.resolve("tsx")] : [],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

/**
 * Disconnects the child, which tells it to exit, and waits until it has exited. A child in the middle of a run exits
 * after it, or is killed when the grace period ends.
 */
async function stop(child: ChildProcess): Promise<void> {
  const hasStarted = child.pid !== undefined;
  if (!hasStarted || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  if (child.connected) child.disconnect();
  const grace = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
  await exit;
  clearTimeout(grace);
}

function tell(child: ChildProcess, message: ToChild): void {
  // The exit of a child that is gone rejects the open question.
  if (child.connected) child.send(message, () => undefined);
}

function errorOf({ name, message, fault }: Extract<FromChild, { kind: "failed" }>): Error {
  if (name === "RequestError") return new RequestError(message);
  return name === "CancelledError" ? new CancelledError() : new GenerationError(message, { fault });
}

function exitError(code: number | null, signal: NodeJS.Signals | null): GenerationError {
  if (signal === "SIGKILL") {
    return new GenerationError("The generating process was killed; the machine may have run out of memory.", {
      fault: "killed",
    });
  }
  return new GenerationError(`The generating process ended unexpectedly (${signal ?? `exit code ${code}`}).`);
}
