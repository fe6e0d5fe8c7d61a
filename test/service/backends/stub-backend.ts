import type { Backend } from "../../../lib/service/backends/index.ts";
import type { JobRecord } from "../../../lib/service/jobs/index.ts";

export interface StubBackend extends Backend {
  readonly submitted: readonly JobRecord[];
  /** Error of `submit`, while it is set. */
  fault: Error | null;
  /** Answer of `waiting`. */
  count: number | null;
}

/** Makes a backend that accepts jobs and does nothing with them. */
export function stubBackend(options: Partial<Pick<Backend, "name" | "believedMs" | "pauseMs">> = {}) {
  const submitted: JobRecord[] = [];
  const backend: StubBackend = {
    name: "gpu-1",
    believedMs: 1_800_000,
    pauseMs: 60_000,
    ...options,
    submitted,
    fault: null,
    count: null,
    async submit(record) {
      if (backend.fault) throw backend.fault;
      submitted.push(record);
    },
    outcomeOf: () => {
      throw new Error("This backend tells of no run.");
    },
    waiting: async () => backend.count,
  };
  return backend;
}
