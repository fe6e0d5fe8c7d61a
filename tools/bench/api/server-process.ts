import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Bytes, after a collection of garbage. */
export interface ProcessMemory {
  readonly resident: number;
  readonly heap: number;
}

/** A server that is measured, in a process of its own. */
export interface ServerProcess {
  readonly port: number;
  readonly keys: readonly string[];
  memory(): Promise<ProcessMemory>;
  /** Seconds of processor time that all its threads have used so far. */
  cpuSeconds(): Promise<number>;
  /** Ends every job that is not over. */
  cancelAll(): Promise<void>;
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Beside this file. */
  readonly script: string;
  readonly args: readonly string[];
  /** The one core that all its threads share; null where that cannot be had. */
  readonly core: number | null;
}

/** @throws Error if it ends before it listens; its own message says why */
export async function startServer({ script, args, core }: ServerOptions): Promise<ServerProcess> {
  const path = fileURLToPath(new URL(script, import.meta.url));
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

/** In the server's process: answers what {@link ServerProcess} asks, and ends with its parent. */
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

/** The first core that this process may use; null where there is no `taskset`. */
export async function firstCore(): Promise<number | null> {
  try {
    const { stdout } = await run("taskset", ["--cpu-list", "--pid", String(process.pid)]);
    return Number(/: *(\d+)/.exec(stdout)![1]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
