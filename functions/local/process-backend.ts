import * as z from "zod";
import type { Backend } from "../../lib/service/backends/index.ts";
import type { JobRef } from "../../lib/service/jobs/index.ts";
import { MessageError, parsedJson } from "../../lib/service/queue/index.ts";
import { reasonOf } from "../../lib/shared/reason-of.ts";
import type { GpuProcess } from "./gpu-process.ts";
import { jobName } from "./webhook-queues.ts";

export interface ProcessBackendOptions {
  /** Workers, each of which runs one job at a time. With none, workers elsewhere look for the jobs themselves. */
  readonly gpus: readonly Pick<GpuProcess, "invoke" | "isListening" | "fault">[];
  /** Called with the message that a run has ended. Its worker takes the next one when it resolves. */
  readonly onEnd: (message: string) => Promise<void>;
}

export interface ProcessBackend extends Backend {
  /** Invokes workers that have begun to listen. */
  wake(): void;
  /** Begins no more jobs, not even those that wait. Resolves when `onEnd` of the running jobs has resolved. */
  close(): Promise<void>;
}

/** Pause after a failed run, for example because the worker was busy. */
const PAUSE_MS = 1_000;

const messageSchema = z.object({
  tenant: z.string().min(1),
  id: z.string().min(1),
  failure: z.string().nullable(),
});

/**
 * Makes the backend of this machine's GPU processes: a free one is invoked for the oldest submission, and chooses
 * itself whose turn an invocation is. Waiting jobs are lost with this process, and submitted again after the first
 * sweep of the next process.
 */
export function processBackend({ gpus, onEnd }: ProcessBackendOptions): ProcessBackend {
  type Worker = (typeof gpus)[number];
  /** Names of the jobs of the invocations that wait or run. */
  const held = new Set<string>();
  /** Jobs of the invocations that wait, each once, oldest first. */
  const waiting: JobRef[] = [];
  const working = new Map<Worker, Promise<void>>();
  let isClosed = false;

  function wake(): void {
    const wellFirst = gpus.toSorted((a, b) => Number(a.fault !== null) - Number(b.fault !== null));
    for (const gpu of wellFirst) {
      if (isClosed || waiting.length === 0) return;
      if (working.has(gpu) || !gpu.isListening) continue;
      const run = runOn(gpu, waiting.shift()!).finally(() => {
        working.delete(gpu);
        wake();
      });
      working.set(gpu, run);
    }
  }

  async function runOn(gpu: Worker, ref: JobRef): Promise<void> {
    const failure = await invoke(gpu, ref);
    held.delete(jobName(ref));
    await onEnd(JSON.stringify({ ...ref, failure }));
  }

  async function invoke(gpu: Worker, ref: JobRef): Promise<string | null> {
    try {
      const status = await gpu.invoke(ref);
      return status < 300 ? null : `The GPU function answered ${status}.`;
    } catch (error) {
      return reasonOf(error);
    }
  }

  return {
    name: "process",
    believedMs: 0,
    pauseMs: PAUSE_MS,
    async submit({ tenant, id }) {
      const name = jobName({ tenant, id });
      if (gpus.length === 0 || held.has(name)) return;
      held.add(name);
      waiting.push({ tenant, id });
      wake();
    },
    outcomeOf(message) {
      const parsed = messageSchema.safeParse(parsedJson(message));
      if (!parsed.success) throw new MessageError("The message is not about a run of this process.");
      const { failure, ...ref } = parsed.data;
      return { ref, failure };
    },
    waiting: async () => held.size,
    wake,
    async close() {
      isClosed = true;
      await Promise.all(working.values());
    },
  };
}
