import { spawn } from "node:child_process";
import { once } from "node:events";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Python script that prints a line of JSON when it is ready, and then one line for every line it is sent. */
export interface TorchProcess {
  /** Version of PyTorch. */
  readonly version: string;
  /** First line of the script, with the version and whatever else it says. */
  readonly ready: unknown;
  /** Sends a line and returns the script's answer. */
  ask(line: string): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Starts a script. Resolves to one sentence if it cannot be started: a benchmark continues
 * without it.
 *
 * The interpreter is `ADAREEL_PYTHON`, or `python3` by default.
 */
export async function startTorch(script: URL, args: readonly string[]): Promise<TorchProcess | string> {
  const python = process.env.ADAREEL_PYTHON ?? "python3";
  const child = spawn(python, [fileURLToPath(script), ...args]);
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = `${complaint}${chunk}`.slice(-4000);
  });
  // The exit of the process reports a failed write too.
  child.stdin.on("error", () => undefined);
  const ended = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(complaint.trim().split("\n").at(-1) || `exit code ${code}`)));
  });
  ended.catch(() => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const line = await Promise.race([lines.next(), ended]);
    // The output ends shortly before the process, whose error message says more.
    return JSON.parse(line.done ? await ended : line.value);
  };
  let ready: { version: string };
  try {
    ready = await answer();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return `not timed: there is no Python at ${python}. Name one that has PyTorch in ADAREEL_PYTHON.`;
    }
    const reason = (error as Error).message.replace(/\.$/, "");
    return `not timed: ${reason}. ${basename(fileURLToPath(script))} lists the packages that the Python in ADAREEL_PYTHON needs.`;
  }
  return {
    version: ready.version,
    ready,
    ask(line) {
      child.stdin.write(`${line}\n`);
      return answer();
    },
    async close() {
      const exit = child.exitCode === null ? once(child, "exit") : null;
      child.stdin.end();
      await exit;
    },
  };
}
