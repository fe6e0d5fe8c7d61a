import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Bench, BenchOptions } from "./measure.ts";
import type { PolicyRun } from "./results.ts";
import { type Task, taskRunner } from "./task.ts";

/** Measures tasks one after another in this process, and in others beside it. */
export interface Workers {
  /**
   * Measures tasks in their order. `done` is called after each of them, with what it measured.
   *
   * @throws the first error of a task; the others are not begun
   */
  measure(tasks: readonly Task[], done: (task: Task, runs: PolicyRun[]) => Promise<void>): Promise<void>;
  close(): void;
}

/** Starts `workers` - 1 processes that open the same model folder. */
export function startWorkers(
  bench: Bench,
  folder: string,
  { threads, clock, workers }: BenchOptions & { readonly workers: number },
): Workers {
  const script = fileURLToPath(new URL("worker.ts", import.meta.url));
  const children = Array.from({ length: workers - 1 }, () =>
    fork(script, [folder, String(threads), clock], {
      execArgv: ["--import", "tsx"],
      serialization: "advanced",
    }),
  );
  const runners = [taskRunner(bench), ...children.map(runnerIn)];
  return {
    async measure(tasks, done) {
      const waiting = [...tasks];
      let hasFailed = false;
      const work = async (run: (task: Task) => Promise<PolicyRun[]>) => {
        for (let task = waiting.shift(); task && !hasFailed; task = waiting.shift()) {
          try {
            await done(task, await run(task));
          } catch (error) {
            hasFailed = true;
            throw error;
          }
        }
      };
      const ended = await Promise.allSettled(runners.map(work));
      const failed = ended.find((result) => result.status === "rejected");
      if (failed) throw failed.reason;
    },
    close() {
      for (const child of children) child.disconnect();
    },
  };
}

/** Returns what measures tasks in a process, and fails once that has ended. */
function runnerIn(child: ChildProcess): (task: Task) => Promise<PolicyRun[]> {
  const ended = once(child, "exit").then(([code]): never => {
    throw new Error(`A measuring process ended with code ${code}.`);
  });
  ended.catch(() => undefined);
  return async (task) => {
    const answered = once(child, "message") as Promise<[{ runs: PolicyRun[] } | { error: string }]>;
    child.send(task);
    const [answer] = await Promise.race([answered, ended]);
    if ("error" in answer) throw new Error(answer.error);
    return answer.runs;
  };
}
