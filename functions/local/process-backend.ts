import * as z from "zod";
import type { Backend } from "../../lib/service/backends/index.ts";
import type { JobRef } from "../../lib/service/jobs/index.ts";
import { MessageError, parsedJson } from "../../lib/service/queue/index.ts";
import { reasonOf } from "../../lib/shared/reason-of.ts";
import type { GpuProcess } from "./gpu-process.ts";

export interface ProcessBackendOptions {
  readonly gpu: Pick<GpuProcess, "invoke">;
  /** Called with the message that a run has ended. The next run begins when it resolves. */
  readonly onEnd: (message: string) => Promise<void>;
}

export interface ProcessBackend extends Backend {
  /** Begins no more jobs, not even those that wait. Resolves when `onEnd` of the running job has resolved. */
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
 * Makes the backend of this machine's GPU process: one worker, which is invoked in the order of the submissions and
 * chooses itself whose turn an invocation is. Waiting jobs are lost with this process, and submitted again after the
 * first sweep of the next process.
 */
export function processBackend({ gpu, onEnd }: ProcessBackendOptions): ProcessBackend {
  /** Jobs of the invocations that wait or run, each once, oldest first. */
  const held = new Map<string, JobRef>();
  let working: Promise<void> | null = null;
  let isClosed = false;

  function work(): void {
    if (working || isClosed) return;
    const [next] = held;
    if (!next) return;
    working = run(...next).finally(() => {
      working = null;
      work();
    });
  }

  async function run(name: string, ref: JobRef): Promise<void> {
    const failure = await invoke(ref);
    held.delete(name);
    await onEnd(JSON.stringify({ ...ref, failure }));
  }

  async function invoke(ref: JobRef): Promise<string | null> {
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
      const name = `${tenant}/${id}`;
      if (!held.has(name)) held.set(name, { tenant, id });
      work();
    },
    outcomeOf(message) {
      const parsed = messageSchema.safeParse(parsedJson(message));
      if (!parsed.success) throw new MessageError("The message is not about a run of this process.");
      const { failure, ...ref } = parsed.data;
      return { ref, failure };
    },
    waiting: async () => held.size,
    async close() {
      isClosed = true;
      await working;
    },
  };
}
