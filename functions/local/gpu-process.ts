import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { fileURLToPath } from "node:url";
import type { JobRef } from "../../lib/jobs/index.ts";
import type { FromGpu } from "../gpu/messages.ts";

export interface GpuProcessOptions {
  readonly env: Readonly<Record<string, string>>;
  /** A job began or ended. */
  readonly onChange: (ref: JobRef) => void;
  /** The process died; nobody will renew the leases of `owner`. */
  readonly onLost: (owner: string) => void;
  readonly onError: (message: string) => void;
}

/** The GPU function as a process of this machine: started again whenever it ends. */
export interface GpuProcess {
  /**
   * Resolves when the worker has answered for the job, whatever became of it; rejects when it died on the way.
   *
   * @returns the HTTP status
   */
  invoke(ref: JobRef): Promise<number>;
  /** Resolves once the first process takes jobs; rejects when it could not start at all. */
  readonly started: Promise<void>;
  /** Lets the worker finish or hand back its job, as its platform would. */
  stop(): Promise<void>;
}

const ENTRY = fileURLToPath(new URL("../gpu/serve.ts", import.meta.url));
const RESTART_MS_MIN = 200;
const RESTART_MS_MAX = 30_000;
/** One that lived so long did not fail at its start. */
const HEALTHY_MS = 10_000;

export function startGpuProcess(options: GpuProcessOptions): GpuProcess {
  let child: ChildProcess;
  let isStopping = false;
  let ready = listening();
  let restartMs = RESTART_MS_MIN;

  function start(): ChildProcess {
    const startedAt = performance.now();
    const gpu = fork(ENTRY, ["serve"], {
      execArgv: ["--import", import.meta.resolve("tsx")],
      env: { ...process.env, PORT: "0", HOST: "127.0.0.1", ...options.env },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      // A terminal's Ctrl-C is this process's to answer.
      detached: true,
    });
    let owner: string | null = null;
    gpu.on("message", (message: FromGpu) => {
      if (message.kind === "changed") return options.onChange(message.ref);
      owner = message.owner;
      ready.resolve(message.port);
    });
    gpu.once("error", (error) => options.onError(`The GPU function cannot be started: ${error.message}.`));
    gpu.once("exit", (code, signal) => {
      if (isStopping) return;
      if (owner !== null) {
        options.onError(`The GPU function ended (${signal ?? `exit code ${code}`}) and is started again.`);
        options.onLost(owner);
        ready = listening();
      }
      // A faulty configuration will not be better in a moment.
      if (code === 2)
        return ready.reject(new Error("The GPU function cannot start; its own message says why."));
      restartMs =
        performance.now() - startedAt > HEALTHY_MS ? RESTART_MS_MIN : Math.min(restartMs * 2, RESTART_MS_MAX);
      setTimeout(() => {
        if (!isStopping) child = start();
      }, restartMs).unref();
    });
    return gpu;
  }

  child = start();
  return {
    get started() {
      return ready.promise.then(() => undefined);
    },
    async invoke(ref) {
      return post(await ready.promise, ref);
    },
    async stop() {
      isStopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      await exit;
    },
  };
}

/** The port of a process that is about to listen. */
function listening() {
  let resolve!: (port: number) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<number>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  // Nobody may be waiting when it fails.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

/** Without `fetch`, which gives up on an answer after five minutes: a video may take an hour. */
function post(port: number, ref: JobRef): Promise<number> {
  const body = JSON.stringify(ref);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, path: "/invocations", method: "POST", headers },
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
