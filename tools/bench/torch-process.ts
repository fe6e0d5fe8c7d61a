import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A Python script that prints a line of JSON when it is ready, and then one for every line it is sent. */
export interface TorchProcess {
  /** Of PyTorch. */
  readonly version: string;
  /** Sends a line; the answer is whatever the script says. */
  ask(line: string): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * A script of this folder, or one sentence that says why it cannot be had: a benchmark goes on without it.
 *
 * The interpreter is `ADAREEL_PYTHON`, or `python3`.
 */
export async function startTorch(name: string, args: readonly string[]): Promise<TorchProcess | string> {
  const python = process.env.ADAREEL_PYTHON ?? "python3";
  const script = fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(python, [script, ...args]);
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = `${complaint}${chunk}`.slice(-4000);
  });
  // Writing to a process that is gone is told by its end.
  child.stdin.on("error", () => undefined);
  const ended = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(complaint.trim().split("\n").at(-1) || `exit code ${code}`)));
  });
  ended.catch(() => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const line = await Promise.race([lines.next(), ended]);
    // The output ends a moment before the process does, whose complaint says more.
    return JSON.parse(line.done ? await ended : line.value);
  };
  let version: string;
  try {
    ({ version } = await answer());
  } catch (error) {
    const reason = (error as Error).message.replace(/\.$/, "");
    return `not timed: ${reason}. ${name} says what it needs, of the Python that ADAREEL_PYTHON names.`;
  }
  return {
    version,
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
