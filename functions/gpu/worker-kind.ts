import { cpus } from "node:os";
import type { Receipt } from "../../lib/service/jobs/index.ts";

/** Properties of a worker that decide how long its videos take. */
export interface WorkerTraits extends Pick<Receipt, "provider" | "precision"> {
  /** Name of the GPU; null if it is not known. */
  readonly gpu: string | null;
}

/** Names this kind of worker in its measured runs. Runs of other kinds tell nothing of its own. */
export function workerKind({ provider, precision, gpu }: WorkerTraits): string {
  return [provider, precision, ...(gpu === null ? [] : [gpu]), machine()].join(", ");
}

/** Names the processor of this machine and the number of its cores, which tell one instance type from another. */
function machine(): string {
  const all = cpus();
  return `${all[0]?.model.trim() ?? "unknown"} x ${all.length}`;
}
