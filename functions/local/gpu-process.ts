import { request } from "node:http";
import type { JobRef } from "../../lib/service/jobs/index.ts";
import { reasonOf } from "../../lib/shared/reason-of.ts";
import type { Hang } from "../../lib/shared/silence.ts";
import type { LocalGpuVariables } from "../../lib/shared/variables.ts";
import {
  type ProcessEnd,
  type ProcessMessage,
  startWatchedProcess,
  UNANSWERED_MAX,
  type WatchedProcess,
} from "./watched-process.ts";

export interface GpuProcessOptions {
  readonly env: Partial<LocalGpuVariables>;
  /** Name of the process at the beginning of sentences; "The GPU function" by default. */
  readonly name?: string | undefined;
  /** Mode of the process: it is invoked for jobs, which is the default, or looks for them itself. */
  readonly mode?: "serve" | "pull" | undefined;
  /** Time that a running job gets when the process is stopped; 25 seconds by default, as the process has it. */
  readonly graceMs?: number | undefined;
  /** Called when a job has begun or ended. */
  readonly onChange: (ref: JobRef) => void;
  /** Called with what the process tells of an attempt that runs. */
  readonly onNews?: ((news: GpuNews) => void) | undefined;
  /** Called when the process has died. The leases of `owner` will not be renewed any more. */
  readonly onLost: (owner: string) => void;
  /** Called when the process accepts jobs, at its first start and after each other one. */
  readonly onListening?: (() => void) | undefined;
  /** Called when the process has ended or could not be started, and will be started again. */
  readonly onEnd: (end: GpuEnd) => void;
  /** Called with each line that the process logs. By default the lines go to stderr as they are. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** Progress or preview of an attempt. */
export type GpuNews = Extract<ProcessMessage, { readonly kind: "progress" | "preview" }>;

export interface GpuEnd {
  /** Hang for which the process was killed; null if it ended otherwise. */
  readonly hang: Hang | null;
  /** Sentence that says what happened. */
  readonly message: string;
}

/** GPU function in a process of this machine, which is killed when it hangs, and restarted whenever it ends. */
export interface GpuProcess {
  /** Sentence that says why no video can be made at present; null if nothing is known to be wrong. */
  readonly fault: string | null;
  /** True while the process accepts jobs: it has started, and has not ended since. */
  readonly isListening: boolean;
  /**
   * Runs a job. Resolves when the worker has answered, whether or not the job succeeded; rejects if the worker dies.
   *
   * @returns HTTP status of the answer
   */
  invoke(ref: JobRef): Promise<number>;
  /** Resolves once the first process accepts jobs; rejects if it ends before that, and then it is not restarted. */
  readonly started: Promise<void>;
  /** Lets the worker finish or release its job, and kills it 5 seconds after its grace, as a platform would. */
  stop(): Promise<void>;
}

const RESTART_MS_MIN = 200;
const RESTART_MS_MAX = 30_000;
/** Lifetime after which a process counts as healthy, so that its restart is not delayed further. */
const HEALTHY_MS = 10_000;
const GRACE_MS = 25_000;
/** Time after the grace in which a process must have released its job and ended. */
const RELEASE_MS = 5_000;

export function startGpuProcess(options: GpuProcessOptions): GpuProcess {
  const { name = "The GPU function" } = options;
  let isStopping = false;
  let ready = listening();
  let isFirst = true;
  let restartMs = RESTART_MS_MIN;
  let current = start();

  function startLater(): void {
    setTimeout(() => {
      if (isStopping) return;
      try {
        current = start();
      } catch (error) {
        const message = `${name} could not be started (${reasonOf(error)}), which is tried again.`;
        options.onEnd({ hang: null, message });
        restartMs = Math.min(restartMs * 2, RESTART_MS_MAX);
        startLater();
      }
    }, restartMs).unref();
  }

  /** @throws Error if the system has no memory for another process */
  function start(): WatchedProcess {
    const { env, mode = "serve", onLine } = options;
    const started = startWatchedProcess({ env, mode, onLine, onMessage });
    started.ended.then((end) => onEnd(started, end));
    return started;
  }

  function onMessage(message: ProcessMessage): void {
    if (message.kind === "changed") options.onChange(message.ref);
    else if (message.kind !== "listening") options.onNews?.(message);
    else {
      isFirst = false;
      ready.resolve(message.port);
      options.onListening?.();
    }
  }

  function onEnd({ owner }: WatchedProcess, { how, hang, livedMs }: ProcessEnd): void {
    if (isStopping) return;
    if (isFirst) {
      // If the first process cannot start, a restart would not help.
      ready.reject(new Error(`${name} ended while it started (${how}).`));
      return;
    }
    options.onEnd({ hang, message: `${name} ${whatHappened(hang, how)} and is started again.` });
    if (owner !== null) {
      ready = listening();
      options.onLost(owner);
    }
    restartMs = livedMs > HEALTHY_MS ? RESTART_MS_MIN : Math.min(restartMs * 2, RESTART_MS_MAX);
    startLater();
  }

  return {
    get fault() {
      if (!current.isListening) return `${name} is being started.`;
      return current.isSilent ? `${name} does not answer.` : current.fault;
    },
    get isListening() {
      return current.isListening;
    },
    get started() {
      return ready.promise.then(() => undefined);
    },
    async invoke(ref) {
      return post(await ready.promise, ref);
    },
    async stop() {
      isStopping = true;
      ready.reject(new Error(`${name} was stopped.`));
      await current.stop((options.graceMs ?? GRACE_MS) + RELEASE_MS);
    },
  };
}

function whatHappened(hang: Hang | null, how: string): string {
  if (hang === "silent") return `did not answer for ${UNANSWERED_MAX} seconds, was killed`;
  return hang === "stopped" ? "was stopped by a signal, was killed" : `ended (${how})`;
}

/** Makes a promise of the port of a process that is about to listen. */
function listening() {
  let resolve!: (port: number) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<number>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  // A rejection that no caller awaits must not end this process.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

/** Posts a job, and resolves to the HTTP status. Unlike `fetch`, it has no timeout: a video may take an hour. */
function post(port: number, ref: JobRef): Promise<number> {
  const body = JSON.stringify(ref);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, path: "/invocations", method: "POST", headers, agent: false },
      (answer) => {
        answer.resume();
        answer.once("end", () => resolve(answer.statusCode!));
        answer.once("error", reject);
      },
    );
    sent.once("error", reject);
    sent.end(body);
  });
}
