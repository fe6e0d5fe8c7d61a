import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { endWithParent } from "../../../shared/end-with-parent.ts";
import { processState } from "../../../shared/process-state.ts";
import { RUNNER } from "../../../shared/run/index.ts";
import { type Hang, TICK_MS } from "../../../shared/silence.ts";
import type { Preview } from "../../preview/index.ts";
import { RequestError } from "../../request/index.ts";
import { CancelledError, GenerationError } from "../errors.ts";
import type { PipelineOptions } from "../model/parts.ts";
import { BUSY, CLOSED, type GenerateOptions, type Pipeline } from "../pipeline.ts";
import type { Progress } from "../progress.ts";
import type { FromChild, ToChild } from "./messages.ts";
import { Patience } from "./patience.ts";

export interface ProcessOptions {
  /** Kills the process once it aborts while the model is being opened. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Longest silence, in milliseconds, of a process that works. A process that is silent for longer, or is stopped by a
   * signal, is killed, and its generation fails as `stalled`. Without it the process is trusted to end.
   */
  readonly silenceMsMax?: number | undefined;
}

/**
 * A pipeline in a child process. After the process has ended, every further generation fails with a GenerationError
 * that says why.
 */
export interface PipelineProcess extends Pipeline {
  readonly pid: number;
  /** False once the process has ended, or `close` or `kill` was called. */
  readonly isOpen: boolean;
  /** False while the process is there. After `close` it stays false for one that cannot be killed. */
  readonly hasExited: boolean;
  /** Kills the process at once, even in the middle of a run. */
  kill(): void;
}

/** Milliseconds that a generation has to finish its current step before its process is killed. */
const STOP_GRACE_MS = 5000;

/** Milliseconds after which a killed process is not waited for any more. A system call of a driver may never end. */
const KILL_MS = 10_000;

type Opened = Extract<FromChild, { kind: "opened" }>;
type Generated = Extract<FromChild, { kind: "generated" }>;
type Measured = Extract<FromChild, { kind: "measured" }>;
type Answer = Opened | Generated | Measured;

/** Question to the child that is not answered yet. */
interface Asked {
  readonly answered: (answer: Answer) => void;
  readonly failed: (error: Error) => void;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly onPreview: ((preview: Preview) => void) | undefined;
  readonly patience: Patience | null;
}

/**
 * Opens a model folder in a child process. The contract is that of `openPipeline`, with two differences: a cancelled
 * generation that does not stop in time is killed, and a crash of the runtime rejects the generation instead of ending
 * this process.
 *
 * @throws GenerationError if the process or the model cannot be opened, CancelledError once `signal` aborts before
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
  { signal: opening, silenceMsMax }: ProcessOptions = {},
): Promise<PipelineProcess> {
  if (opening?.aborted) throw new CancelledError();
  const child = startChild();
  const closed = new GenerationError(CLOSED);
  let asked: Asked | null = null;
  /** Error that every further generation fails with; null while there can be more. */
  let ended: GenerationError | null = null;

  child.on("message", (message: FromChild) => {
    if (message.kind === "progress") {
      asked?.patience?.heard(message.progress);
      return asked?.onProgress?.(message.progress);
    }
    // A preview comes before the progress of its step, which is the sign of life.
    if (message.kind === "preview") return asked?.onPreview?.(message.preview);
    // No session of the child can use a device again that was lost.
    if (message.kind === "failed" && message.fault === "device_lost") return kill(lostError(message));
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
  child.on("error", (cause) => end(failedError(cause)));
  child.on("exit", (code, signal) => end(exitError(code, signal)));

  /** Kills the child. The open question fails with this error once the child has exited, or is given up. */
  function kill(error: GenerationError): void {
    ended ??= error;
    child.kill("SIGKILL");
    setTimeout(end, KILL_MS, ended).unref();
  }

  async function ask<A extends Answer>(
    message: ToChild,
    { onProgress, onPreview }: Pick<GenerateOptions, "onProgress" | "onPreview"> = {},
  ): Promise<A> {
    const patience = silenceMsMax === undefined ? null : new Patience(silenceMsMax);
    const look = async () => {
      const hang = patience?.tick((await processState(child.pid!))?.isStopped ?? false);
      if (hang && asked?.patience === patience) kill(hangError(hang));
    };
    const ticks = patience && setInterval(look, TICK_MS);
    try {
      return await new Promise<A>((answered, failed) => {
        tell(child, message);
        asked = { answered: answered as Asked["answered"], failed, onProgress, onPreview, patience };
      });
    } finally {
      clearInterval(ticks ?? undefined);
    }
  }

  /** Asks the child for work that can be cancelled, and that listeners are told of. */
  async function work<A extends Answer>(
    message: ToChild,
    { signal, onProgress, onPreview }: GenerateOptions,
  ): Promise<A> {
    if (ended) throw ended;
    if (asked) throw new GenerationError(BUSY);
    if (signal?.aborted) throw new CancelledError();
    let grace: NodeJS.Timeout | undefined;
    const cancel = () => {
      tell(child, { kind: "cancel" });
      grace ??= setTimeout(kill, STOP_GRACE_MS, new GenerationError(KILLED));
    };
    const faults: unknown[] = [];
    const guarded =
      <Told>(listener: ((told: Told) => void) | undefined) =>
      (told: Told) => {
        try {
          listener?.(told);
        } catch (error) {
          faults.push(error);
          cancel();
        }
      };
    const listeners = { onProgress: guarded(onProgress), onPreview: guarded(onPreview) };
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const answer = await ask<A>(message, listeners);
      if (faults.length === 0) return answer;
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

  const abandon = () => kill(new GenerationError(KILLED));
  opening?.addEventListener("abort", abandon, { once: true });
  try {
    const { model, limits } = await ask<Opened>({ kind: "open", folder, options });
    return {
      pid: child.pid!,
      get isOpen() {
        return ended === null;
      },
      get hasExited() {
        return hasExited(child);
      },
      model,
      limits,
      async generate(request, options = {}) {
        const isWatched = options.onPreview !== undefined;
        return (await work<Generated>({ kind: "generate", request, isWatched }, options)).generation;
      },
      async measure(request, options = {}) {
        return (await work<Measured>({ kind: "measure", request }, options)).trial;
      },
      kill: abandon,
      close() {
        ended ??= closed;
        return stop(child);
      },
    };
  } catch (error) {
    await stop(child);
    throw opening?.aborted ? new CancelledError() : error;
  } finally {
    opening?.removeEventListener("abort", abandon);
  }
}

const KILLED = "The generating process was killed.";

/** @throws GenerationError if the system has no memory for another process */
function startChild(): ChildProcess {
  const entry = fileURLToPath(new URL("./child.ts", import.meta.url));
  try {
    const child = fork(RUNNER, [entry], {
      serialization: "advanced",
      execArgv: [],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    endWithParent(child);
    return child;
  } catch (cause) {
    throw failedError(cause as Error);
  }
}

/**
 * Disconnects the child, which tells it to exit, and waits until it has exited. A child in the middle of a run exits
 * after it, or is killed when the grace period ends. A child that cannot be killed is left.
 */
async function stop(child: ChildProcess): Promise<void> {
  const hasStarted = child.pid !== undefined;
  if (!hasStarted || hasExited(child)) return;
  const exit = once(child, "exit");
  if (child.connected) child.disconnect();
  let timer: NodeJS.Timeout | undefined;
  const givenUp = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      child.kill("SIGKILL");
      timer = setTimeout(resolve, KILL_MS);
    }, STOP_GRACE_MS);
  });
  await Promise.race([exit, givenUp]);
  clearTimeout(timer);
}

function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function tell(child: ChildProcess, message: ToChild): void {
  // The exit of a child that is gone rejects the open question.
  if (child.connected) child.send(message, () => undefined);
}

function errorOf({ name, message, fault }: Extract<FromChild, { kind: "failed" }>): Error {
  if (name === "RequestError") return new RequestError(message);
  return name === "CancelledError" ? new CancelledError() : new GenerationError(message, { fault });
}

function lostError({ message }: Extract<FromChild, { kind: "failed" }>): GenerationError {
  const what = message.charAt(0).toUpperCase() + message.slice(1);
  return new GenerationError(`${what}.`, { fault: "device_lost" });
}

function failedError(cause: Error): GenerationError {
  return new GenerationError(`The generating process failed: ${cause.message}.`, { cause });
}

function hangError(hang: Hang): GenerationError {
  const what = hang === "stopped" ? "was stopped by a signal" : "made no progress for too long";
  return new GenerationError(`The generating process ${what} and was killed.`, { fault: "stalled" });
}

function exitError(code: number | null, signal: NodeJS.Signals | null): GenerationError {
  if (signal === "SIGKILL") {
    return new GenerationError("The generating process was killed; the machine may have run out of memory.", {
      fault: "killed",
    });
  }
  return new GenerationError(`The generating process ended unexpectedly (${signal ?? `exit code ${code}`}).`);
}
