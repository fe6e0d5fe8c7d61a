import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Memory of a process in bytes, after garbage collection. */
export interface ProcessMemory {
  readonly resident: number;
  readonly heap: number;
}

/** Measured server, in a process of its own. */
export interface ServerProcess {
  readonly port: number;
  readonly keys: readonly string[];
  memory(): Promise<ProcessMemory>;
  /** Returns the seconds of processor time used so far by all threads. */
  cpuSeconds(): Promise<number>;
  /** Cancels every unfinished job. */
  cancelAll(): Promise<void>;
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Path of the script, absolute or relative to this file. */
  readonly script: string;
  readonly args: readonly string[];
  /** Core that all threads of the server share; null if it cannot be set. */
  readonly core: number | null;
}

/**
 * Starts a server and waits until it listens.
 *
 * @throws Error if it exits before; its own output says why
 */
export async function startServer({ script, args, core }: ServerOptions): Promise<ServerProcess> {
  const path = resolve(import.meta.dirname, script);
  const node = [process.execPath, "--expose-gc", "--import", import.meta.resolve("tsx"), path, ...args];
  const [program, ...words] = core === null ? node : ["taskset", "--cpu-list", String(core), ...node];
  const child = spawn(program!, words, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const ended = once(child, "exit");
  const answer = async (): Promise<unknown> => {
    const exit = ended.then(() => Promise.reject(new Error(`${script} ended before its time.`)));
    return ((await Promise.race([once(child, "message"), exit])) as [unknown])[0];
  };
  const ask = (question: string) => {
    child.send(question);
    return answer();
  };
  const { port, keys } = (await answer()) as Pick<ServerProcess, "port" | "keys">;
  return {
    port,
    keys,
    memory: async () => (await ask("memory")) as ProcessMemory,
    cpuSeconds: async () => (await ask("cpuSeconds")) as number,
    cancelAll: async () => void (await ask("cancelAll")),
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Answers the questions of {@link ServerProcess} in the server's process, which exits with its parent. */
export function answerQuestions(cancelAll: () => Promise<void>): void {
  const answers: Record<string, () => unknown> = { cancelAll, memory: memoryNow, cpuSeconds: cpuSecondsNow };
  process.on("message", async (question: string) => process.send!((await answers[question]!()) ?? null));
  process.on("disconnect", () => process.exit());
}

function memoryNow(): ProcessMemory {
  globalThis.gc!();
  globalThis.gc!();
  const { rss, heapUsed } = process.memoryUsage();
  return { resident: rss, heap: heapUsed };
}

function cpuSecondsNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Returns the first core that this process may use; null if there is no `taskset`. */
export async function firstCore(): Promise<number | null> {
  try {
    const { stdout } = await run("taskset", ["--cpu-list", "--pid", String(process.pid)]);
    return Number(/: *(\d+)/.exec(stdout)![1]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
