import { fork } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { endWithParent } from "../../lib/shared/end-with-parent.ts";
import { processState } from "../../lib/shared/process-state.ts";
import { RUNNER } from "../../lib/shared/run/index.ts";
import { type Hang, Silence, TICK_MS } from "../../lib/shared/silence.ts";
import type { LocalGpuVariables } from "../../lib/shared/variables.ts";
import type { FromGpu, ToGpu } from "../gpu/messages.ts";

export interface WatchedProcessOptions {
  readonly env: Partial<LocalGpuVariables>;
  readonly mode: "serve" | "pull";
  /** Called with each message but the answers to pings. After its end, a process may still tell of changed jobs. */
  readonly onMessage: (message: ProcessMessage) => void;
  /** Called with each line that the process logs. By default the lines go to stderr as they are. */
  readonly onLine: ((line: string) => void) | undefined;
}

/** Message of the GPU function, but for the answers to pings. */
export type ProcessMessage = Exclude<FromGpu, { readonly kind: "alive" }>;

export interface ProcessEnd {
  /** Signal, exit code or error, as text. */
  readonly how: string;
  /** Hang for which the process was killed; null if it ended otherwise. */
  readonly hang: Hang | null;
  readonly livedMs: number;
}

/** GPU function in one process, which is pinged, and killed when it hangs. */
export interface WatchedProcess {
  /** Name of the worker in its leases; null until it accepts jobs. */
  readonly owner: string | null;
  /** True while the process accepts jobs. */
  readonly isListening: boolean;
  /** True if the process has not answered for some seconds, but not for so long that it is killed. */
  readonly isSilent: boolean;
  /** Sentence of the process itself that says why it can make no video; null if nothing is known to be wrong. */
  readonly fault: string | null;
  readonly ended: Promise<ProcessEnd>;
  /** Tells the process to end, and kills it after `graceMs`. Resolves once it has ended. */
  stop(graceMs: number): Promise<void>;
}

const ENTRY = fileURLToPath(new URL("../gpu/serve.ts", import.meta.url));

/** Unanswered pings, one a second, after which the process hangs. */
export const UNANSWERED_MAX = 15;
/** Unanswered pings before the first answer: the process still compiles its code. */
const UNANSWERED_AT_START_MAX = 120;
/** Unanswered pings after which the service says that something is wrong. */
const UNANSWERED_FAULT = 3;

/** @throws Error if the system has no memory for another process */
export function startWatchedProcess({ env, mode, onMessage, onLine }: WatchedProcessOptions): WatchedProcess {
  const startedAt = performance.now();
  const place: Partial<LocalGpuVariables> = { PORT: "0", HOST: "127.0.0.1" };
  const output = onLine ? "pipe" : 2;
  const gpu = fork(RUNNER, [ENTRY, mode], {
    execArgv: [],
    env: { ...process.env, ...place, ...env },
    // Its log lines go to this service's log.
    stdio: ["ignore", output, output, "ipc"],
    // Only this process is to receive a terminal's Ctrl-C.
    detached: true,
  });
  endWithParent(gpu);
  for (const stream of [gpu.stdout, gpu.stderr]) {
    if (stream) createInterface({ input: stream }).on("line", (line) => onLine?.(line));
  }
  let owner: string | null = null;
  let fault: string | null = null;
  let hasEnded = false;
  let hasAnswered = false;
  let hang: Hang | null = null;
  const silence = new Silence();

  gpu.on("message", (message: FromGpu) => {
    // Messages may come after the exit.
    if (hasEnded && message.kind !== "changed") return;
    silence.heard();
    hasAnswered = true;
    if (message.kind === "listening") owner = message.owner;
    if (message.kind === "alive") fault = message.fault;
    else onMessage(message);
  });

  async function look(): Promise<void> {
    if (gpu.connected) gpu.send({ kind: "ping" } satisfies ToGpu, () => undefined);
    const isStopped = (await processState(gpu.pid!))?.isStopped ?? false;
    hang ??= silence.tick(hasAnswered ? UNANSWERED_MAX : UNANSWERED_AT_START_MAX, isStopped);
    if (hang) gpu.kill("SIGKILL");
  }
  const watch = setInterval(look, TICK_MS).unref();

  const ended = new Promise<ProcessEnd>((resolve) => {
    const end = (how: string) => {
      hasEnded = true;
      clearInterval(watch);
      resolve({ how, hang, livedMs: performance.now() - startedAt });
    };
    // Not only a process that was not started has errors: also a signal or a message that cannot be sent.
    gpu.on("error", ({ message }) => gpu.pid === undefined && end(message));
    gpu.once("exit", (code, signal) => end(signal ?? `exit code ${code}`));
  });

  return {
    get owner() {
      return owner;
    },
    get isListening() {
      return !hasEnded && owner !== null;
    },
    get isSilent() {
      return silence.ticks > UNANSWERED_FAULT;
    },
    get fault() {
      return fault;
    },
    ended,
    async stop(graceMs) {
      clearInterval(watch);
      gpu.kill("SIGTERM");
      const kill = setTimeout(() => gpu.kill("SIGKILL"), graceMs);
      await ended;
      clearTimeout(kill);
    },
  };
}
