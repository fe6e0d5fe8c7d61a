import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { RUNNER } from "../../lib/shared/run/index.ts";
import { type LocalService, startLocal } from "../../test/local/local-service.ts";
import { processesWith, type RunningProcess } from "../../test/local/processes.ts";

export type Role = RunningProcess["role"];

/** The service of `npm start`, started again whenever it is killed. */
export interface StormService {
  /** Address of the service that runs or starts. */
  url(): Promise<string>;
  /** Processes of the service, those of killed ones included. */
  processes(): readonly RunningProcess[];
  /** True if hung GPU functions are killed by the service itself. */
  readonly isWatched: boolean;
  kill(processes: readonly RunningProcess[]): void;
  /** Stops processes as SIGSTOP does. Returns the function that continues them. */
  suspend(processes: readonly RunningProcess[]): () => void;
  /** Sets the clock of all processes to the true time and so many milliseconds. */
  setClock(shiftMs: number): void;
  /** Number of starts so far. */
  readonly starts: number;
  /** Ends the service in order; resolves to its exit code, or to null if it does not end within a minute. */
  end(): Promise<number | null>;
  /** Kills all that is left. */
  abort(): Promise<void>;
}

export interface StormServiceOptions {
  /** Folder of the service's data. */
  readonly folder: string;
  readonly model: string;
  readonly leaseMs: number;
  /** Port, the same after each start, so that clients find the service again. */
  readonly port: number;
  /** URL of the store; by default a folder in the service's own. */
  readonly store?: string | undefined;
  /** Number of GPU functions that look for jobs themselves; with 0 the service has its own. */
  readonly workers: number;
}

const END_MS = 60_000;
const GPU_FUNCTION = fileURLToPath(new URL("../../functions/gpu/serve.ts", import.meta.url));

export function openService(options: StormServiceOptions): StormService {
  const { folder, model, leaseMs, port, store, workers } = options;
  const clock = join(folder, "..", "clock");
  writeFileSync(clock, "0");
  const loaded = ["tsx", pathToFileURL(join(import.meta.dirname, "clock.ts")).href];
  const shared = {
    DATA_DIR: folder,
    STORE: store ?? pathToFileURL(join(folder, "store")).href,
    MODELS: model,
    LEASE_MS: String(leaseMs),
    LOG_LEVEL: "error",
    STORM_CLOCK: clock,
    NODE_OPTIONS: loaded.map((url) => `--import ${url}`).join(" "),
    NODE_NO_WARNINGS: "1",
  };
  const env = {
    ...shared,
    PORT: String(port),
    UNFINISHED_MAX: "1000",
    ALLOW_LOOPBACK_WEBHOOKS: "1",
    WORKERS: workers > 0 ? "none" : "1",
  };
  let starts = 0;
  let isEnding = false;
  let started = start();

  async function start(): Promise<LocalService> {
    starts += 1;
    for (;;) {
      const service = await startLocal(env).catch(() => null);
      if (!service) {
        // A kill hit the start, or the port is still held by the process before.
        if (isEnding) throw new Error("The service does not start.");
        continue;
      }
      service.ended.then(() => {
        if (!isEnding) started = start();
      });
      return service;
    }
  }

  const pullers = Array.from({ length: workers }, () => keptPuller(shared));
  const processes = () => processesWith("DATA_DIR", folder);
  const signal = (meant: readonly RunningProcess[], name: NodeJS.Signals) => {
    for (const { pid } of meant) tell(pid, name);
  };

  return {
    url: async () => (await started).url,
    processes,
    isWatched: workers === 0,
    kill: (meant) => signal(meant, "SIGKILL"),
    suspend(meant) {
      signal(meant, "SIGSTOP");
      return () => signal(meant, "SIGCONT");
    },
    setClock: (shiftMs) => writeFileSync(clock, String(shiftMs)),
    get starts() {
      return starts;
    },
    async end() {
      isEnding = true;
      const { child, ended } = await started;
      child.kill("SIGTERM");
      const all = Promise.all([ended, ...pullers.map((puller) => puller.stop("SIGTERM"))]);
      return Promise.race([all.then(([code]) => code), sleep(END_MS, null, { ref: false })]);
    },
    async abort() {
      isEnding = true;
      for (const puller of pullers) void puller.stop("SIGKILL");
      signal(processes(), "SIGKILL");
    },
  };
}

/** Keeps a GPU function running that looks for jobs itself, as `npm run worker` does. */
function keptPuller(env: NodeJS.ProcessEnv) {
  let isStopping = false;
  let child = start();

  function start(): ChildProcess {
    const started = spawn(process.execPath, [RUNNER, GPU_FUNCTION, "pull"], {
      env: { ...process.env, ...env, PORT: "0", HOST: "127.0.0.1", THREADS: "1", PULL_PAUSE_MS: "1000" },
      stdio: ["ignore", 2, 2],
    });
    started.once("exit", () => {
      if (!isStopping) child = start();
    });
    return started;
  }

  return {
    async stop(signal: NodeJS.Signals): Promise<void> {
      isStopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await once(child, "exit");
    },
  };
}

/** True if the storm can see and signal the processes of the service. */
export const canStorm = existsSync("/proc/self/environ");

function tell(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
