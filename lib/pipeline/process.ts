import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { CancelledError, GenerationError, RequestError } from "./errors.ts";
import type { ChildError, FromChild, ToChild } from "./messages.ts";
import type { PipelineOptions } from "./model-parts.ts";
import type { GenerateOptions, Generation, Pipeline } from "./pipeline.ts";
import type { GenerationRequest } from "./request.ts";

/** A pipeline in a process of its own. */
export interface PipelineProcess extends Pipeline {
  readonly pid: number;
  /** Ends the process at once, in the middle of whatever it does. */
  kill(): void;
}

/** How long a cancelled generation may take to reach the end of its step before its process is killed. */
const CANCEL_GRACE_MS = 5000;

interface Waiting {
  readonly resolve: (generation: Generation) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: GenerateOptions["onProgress"];
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
  const entry = new URL(`./child${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);
  const child = fork(entry, {
    serialization: "advanced",
    execArgv: entry.pathname.endsWith(".ts") ? ["--import", import.meta.resolve("tsx")] : [],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const waiting = new Map<number, Waiting>();
  let ended: Error | null = null;
  let nextId = 0;

  const opened = new Promise<Extract<FromChild, { kind: "opened" }>>((resolve, reject) => {
    child.on("message", (message: FromChild) => {
      if (message.kind === "opened") return resolve(message);
      if (message.kind === "failed" && message.id === null) return reject(errorOf(message.error));
      if (message.kind === "progress") return waiting.get(message.id)?.onProgress?.(message.progress);
      const id = message.id!;
      const request = waiting.get(id);
      waiting.delete(id);
      if (message.kind === "generated") request?.resolve(message.generation);
      else request?.reject(errorOf(message.error));
    });
    const end = (error: Error) => {
      ended = error;
      reject(error);
      for (const request of waiting.values()) request.reject(error);
      waiting.clear();
    };
    child.on("error", (cause) =>
      end(new GenerationError(`The generating process failed: ${cause.message}.`, { cause })),
    );
    child.on("exit", (code, signal) => end(exitError(code, signal)));
  });

  async function generate(
    request: GenerationRequest,
    { signal, onProgress }: GenerateOptions = {},
  ): Promise<Generation> {
    if (ended) throw ended;
    if (signal?.aborted) throw new CancelledError();
    const id = nextId++;
    const result = new Promise<Generation>((resolve, reject) =>
      waiting.set(id, { resolve, reject, onProgress }),
    );
    let grace: NodeJS.Timeout | undefined;
    const cancel = () => {
      tell(child, { kind: "cancel", id });
      grace = setTimeout(() => child.kill("SIGKILL"), CANCEL_GRACE_MS);
    };
    signal?.addEventListener("abort", cancel, { once: true });
    tell(child, { kind: "generate", id, request });
    try {
      return await result;
    } catch (error) {
      // A process killed for not stopping was cancelled too.
      throw signal?.aborted ? new CancelledError() : error;
    } finally {
      clearTimeout(grace);
      signal?.removeEventListener("abort", cancel);
    }
  }

  tell(child, { kind: "open", folder, options });
  try {
    const { model, limits } = await opened;
    return {
      pid: child.pid!,
      model,
      limits,
      generate,
      kill: () => child.kill("SIGKILL"),
      close: () => close(child),
    };
  } catch (error) {
    await close(child);
    throw error;
  }
}

/** Closing the channel is the child's sign to go; one in the middle of a run goes after it. */
async function close(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  if (child.connected) child.disconnect();
  const grace = setTimeout(() => child.kill("SIGKILL"), CANCEL_GRACE_MS);
  await exit;
  clearTimeout(grace);
}

function tell(child: ChildProcess, message: ToChild): void {
  // A child that is gone says so by its exit, which rejects whatever waits.
  if (child.connected) child.send(message, () => undefined);
}

function errorOf({ name, message, isRequestError }: ChildError): Error {
  if (isRequestError) return new RequestError(message);
  return name === "CancelledError" ? new CancelledError() : new GenerationError(message);
}

function exitError(code: number | null, signal: NodeJS.Signals | null): GenerationError {
  if (signal === "SIGKILL") {
    return new GenerationError("The generating process was killed; the machine may have run out of memory.");
  }
  return new GenerationError(`The generating process ended unexpectedly (${signal ?? `exit code ${code}`}).`);
}
