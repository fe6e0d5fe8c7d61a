import { type ChildProcess, fork } from "node:child_process";
import { request } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { JobRef } from "../../lib/service/jobs/index.ts";
import type { LocalGpuVariables } from "../../lib/shared/variables.ts";
import type { FromGpu } from "../gpu/messages.ts";

export interface GpuProcessOptions {
  readonly env: Partial<LocalGpuVariables>;
  /** Called when a job has begun or ended. */
  readonly onChange: (ref: JobRef) => void;
  /** Called when the process has died. The leases of `owner` will not be renewed any more. */
  readonly onLost: (owner: string) => void;
  readonly onError: (message: string) => void;
  /** Called with each line that the process logs. By default the lines go to stderr as they are. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** GPU function in a process of this machine, which is restarted whenever it ends. */
export interface GpuProcess {
  /**
   * Runs a job. Resolves when the worker has answered, whether or not the job succeeded; rejects if the worker dies.
   *
   * @returns HTTP status of the answer
   */
  invoke(ref: JobRef): Promise<number>;
  /** Resolves once the first process accepts jobs; rejects if it ends before that, and then it is not restarted. */
  readonly started: Promise<void>;
  /** Lets the worker finish or release its job, and kills it after 30 seconds, as its platform would. */
  stop(): Promise<void>;
}

const ENTRY = fileURLToPath(new URL("../gpu/serve.ts", import.meta.url));
const RESTART_MS_MIN = 200;
const RESTART_MS_MAX = 30_000;
/** Lifetime after which a process counts as healthy, so that its restart is not delayed further. */
const HEALTHY_MS = 10_000;
const STOP_MS_MAX = 30_000;

export function startGpuProcess(options: GpuProcessOptions): GpuProcess {
  let isStopping = false;
  let ready = listening();
  let isFirst = true;
  let restartMs = RESTART_MS_MIN;
  let current = start();

  function start(): { gpu: ChildProcess; ended: Promise<unknown> } {
    const startedAt = performance.now();
    const place: Partial<LocalGpuVariables> = { PORT: "0", HOST: "127.0.0.1" };
    const output = options.onLine ? "pipe" : 2;
    const gpu = fork(ENTRY, ["serve"], {
      execArgv: ["--import", import.meta.resolve("tsx")],
      env: { ...process.env, ...place, ...options.env },
      // Its log lines go to this service's log.
      stdio: ["ignore", output, output, "ipc"],
      // Only this process is to receive a terminal's Ctrl-C.
      detached: true,
    });
    for (const stream of [gpu.stdout, gpu.stderr]) {
      if (stream) createInterface({ input: stream }).on("line", (line) => options.onLine?.(line));
    }
    let owner: string | null = null;
    gpu.on("message", (message: FromGpu) => {
      if (message.kind === "changed") return options.onChange(message.ref);
      owner = message.owner;
      isFirst = false;
      ready.resolve(message.port);
    });
    const ended = new Promise<string>((resolve) => {
      gpu.once("error", ({ message }) => resolve(message));
      gpu.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    ended.then((how) => {
      if (isStopping) return;
      // If the first process cannot start, a restart would not help.
      if (isFirst) return ready.reject(new Error(`The GPU function ended while it started (${how}).`));
      options.onError(`The GPU function ended (${how}) and is started again.`);
      if (owner !== null) {
        ready = listening();
        options.onLost(owner);
      }
      const hasLived = performance.now() - startedAt > HEALTHY_MS;
      restartMs = hasLived ? RESTART_MS_MIN : Math.min(restartMs * 2, RESTART_MS_MAX);
      setTimeout(() => {
        if (!isStopping) current = start();
      }, restartMs).unref();
    });
    return { gpu, ended };
  }

  return {
    get started() {
      return ready.promise.then(() => undefined);
    },
    async invoke(ref) {
      return post(await ready.promise, ref);
    },
    async stop() {
      isStopping = true;
      ready.reject(new Error("The GPU function was stopped."));
      const { gpu, ended } = current;
      gpu.kill("SIGTERM");
      const kill = setTimeout(() => gpu.kill("SIGKILL"), STOP_MS_MAX);
      await ended;
      clearTimeout(kill);
    },
  };
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
