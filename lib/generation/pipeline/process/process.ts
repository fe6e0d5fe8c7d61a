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
 * A pipeline in a process of its own. When that process has ended, for whatever reason, every further
 * generation is a GenerationError that says why.
 */
export interface PipelineProcess extends Pipeline {
  readonly pid: number;
  /** False once the process has ended or was told to. */
  readonly isOpen: boolean;
  /** Ends the process at once, in the middle of whatever it does. */
  kill(): void;
}

/** How long a generation may take to reach the end of its step before its process is killed. */
const STOP_GRACE_MS = 5000;

type Opened = Extract<FromChild, { kind: "opened" }>;
type Generated = Extract<FromChild, { kind: "generated" }>;

/** What the child was asked and has not answered. */
interface Asked {
  readonly answered: (answer: Opened | Generated) => void;
  readonly failed: (error: Error) => void;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/**
 * Opens a model folder in a child process: same contract as `openPipeline`, but a generation that does not
 * stop when it is cancelled is killed, and a crash of the runtime is an error here instead of the end.
 *
 * @throws GenerationError when the process or the model cannot be opened
 */
export async function startPipelineProcess(
  folder: string,
  options: PipelineOptions = {},
): Promise<PipelineProcess> {
  const child = startChild();
  const closed = new GenerationError(CLOSED);
  let asked: Asked | null = null;
  /** Why there are no more generations. */
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
      // A process killed for not stopping was cancelled too.
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

/** Closing the channel is the child's sign to go; one in the middle of a run goes after it. */
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
  // A child that is gone says so by its exit, which fails whatever was asked.
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
