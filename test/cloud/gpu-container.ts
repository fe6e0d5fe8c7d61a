import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { RUNNER } from "../../lib/shared/run/index.ts";

const ENTRY = join(import.meta.dirname, "../../functions/gpu/serve.ts");

/** GPU function as a local process: the program of the container, without a container. */
export interface GpuContainer {
  /** URL of the current process; resolves once it listens. */
  readonly url: Promise<string>;
  /** Kills the process, like the loss of its machine, and starts another. */
  replace(): Promise<void>;
  stop(): Promise<void>;
}

/** @param mode the container's argument: `serve` waits for invocations, `pull` looks for turns itself */
export function startGpuContainer(
  env: Readonly<Record<string, string>>,
  mode: "serve" | "pull" = "serve",
): GpuContainer {
  let current = start();

  function start(): { child: ChildProcess; url: Promise<string> } {
    const child = spawn(process.execPath, [RUNNER, ENTRY, mode], {
      env: { ...process.env, PORT: "0", HOST: "127.0.0.1", THREADS: "1", LOG_LEVEL: "info", ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    return { child, url: listening(child) };
  }

  async function kill(): Promise<void> {
    const { child } = current;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  return {
    get url() {
      return current.url;
    },
    async replace() {
      await kill();
      current = start();
    },
    stop: kill,
  };
}

/** Reads the port from the log. */
async function listening(child: ChildProcess): Promise<string> {
  const url = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const { msg, port } = JSON.parse(line) as { msg: string; port: number };
      if (msg === "listening" || msg === "pulling") resolve(`http://127.0.0.1:${port}`);
    });
    child.once("exit", () => reject(new Error("The GPU function ended before it listened.")));
  });
  url.catch(() => undefined);
  return url;
}
