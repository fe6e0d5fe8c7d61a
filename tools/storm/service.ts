import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { type LocalService, startLocal } from "../../test/local/local-service.ts";
import { processesWith, type RunningProcess } from "../../test/local/processes.ts";

export type Role = RunningProcess["role"];

/** The service of `npm start`, started again whenever it is killed. */
export interface StormService {
  /** Address of the service that runs or starts. */
  url(): Promise<string>;
  /** Processes of the service, those of killed ones included. */
  processes(): readonly RunningProcess[];
  kill(roles: readonly Role[]): void;
  /** Stops processes as SIGSTOP does. Returns the function that continues them. */
  suspend(roles: readonly Role[]): () => void;
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
}

const END_MS = 60_000;

export function openService({ folder, model, leaseMs, port }: StormServiceOptions): StormService {
  const clock = join(folder, "..", "clock");
  writeFileSync(clock, "0");
  const loaded = ["tsx", pathToFileURL(join(import.meta.dirname, "clock.ts")).href];
  const env = {
    DATA_DIR: folder,
    MODELS: model,
    LEASE_MS: String(leaseMs),
    PORT: String(port),
    UNFINISHED_MAX: "1000",
    ALLOW_LOOPBACK_WEBHOOKS: "1",
    LOG_LEVEL: "error",
    STORM_CLOCK: clock,
    NODE_OPTIONS: loaded.map((url) => `--import ${url}`).join(" "),
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

  const processes = () => processesWith("DATA_DIR", folder);
  const signal = (roles: readonly Role[], name: NodeJS.Signals) => {
    const meant = processes().filter(({ role }) => roles.includes(role));
    for (const { pid } of meant) tell(pid, name);
    return meant.map(({ pid }) => pid);
  };

  return {
    url: async () => (await started).url,
    processes,
    kill(roles) {
      signal(roles, "SIGKILL");
    },
    suspend(roles) {
      const pids = signal(roles, "SIGSTOP");
      return () => {
        for (const pid of pids) tell(pid, "SIGCONT");
      };
    },
    setClock: (shiftMs) => writeFileSync(clock, String(shiftMs)),
    get starts() {
      return starts;
    },
    async end() {
      isEnding = true;
      const { child, ended } = await started;
      child.kill("SIGTERM");
      return Promise.race([ended, sleep(END_MS, null, { ref: false })]);
    },
    async abort() {
      isEnding = true;
      signal(["api", "gpu", "pipeline"], "SIGKILL");
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
