import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Milliseconds of single steps. */
export interface TorchTimes {
  readonly written: readonly number[];
  readonly fused: readonly number[];
}

/** torch_step.py, waiting to be asked. */
export interface TorchProcess {
  readonly version: string;
  /** Times `steps` steps with each form of attention. */
  time(steps: number): Promise<TorchTimes>;
  close(): Promise<void>;
}

/**
 * The model in PyTorch, or one sentence that says why it cannot be had: a benchmark goes on without it.
 *
 * The interpreter is `ADAREEL_PYTHON`, or `python3`.
 */
export async function startTorch(folder: string, threads: number): Promise<TorchProcess | string> {
  const python = process.env.ADAREEL_PYTHON ?? "python3";
  const script = fileURLToPath(new URL("./torch_step.py", import.meta.url));
  const child = spawn(python, [script, "--model", folder, "--threads", String(threads)]);
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
    return `not timed: ${(error as Error).message.replace(/\.$/, "")}. Name a Python that has torch in ADAREEL_PYTHON.`;
  }
  return {
    version,
    time(steps) {
      child.stdin.write(`${steps}\n`);
      return answer();
    },
    async close() {
      const exit = child.exitCode === null ? once(child, "exit") : null;
      child.stdin.end();
      await exit;
    },
  };
}
