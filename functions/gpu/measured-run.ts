import type { Generation } from "../../lib/generation/pipeline/index.ts";
import { runFacts } from "../../lib/generation/request/index.ts";
import type { JobRecord, Receipt } from "../../lib/service/jobs/index.ts";
import type { MeasuredRun } from "../../lib/service/quotes/index.ts";

export interface FinishedMaking {
  readonly record: Pick<JobRecord, "attempt" | "quote">;
  readonly generation: Generation;
  readonly receipt: Pick<Receipt, "seconds">;
  /** Kind of this worker, as `workerKind` names it. */
  readonly workerKind: string;
  /** True if the model was opened for this run. */
  readonly isCold: boolean;
  /** Seconds from the claim to the end. */
  readonly makeSeconds: number;
  readonly now: number;
}

/** Returns what quotes of later videos learn from a finished one. */
export function measuredRun({
  record: { attempt, quote },
  generation: { request, trace, stepSeconds },
  receipt: { seconds },
  workerKind,
  isCold,
  makeSeconds,
  now,
}: FinishedMaking): MeasuredRun {
  const secondsOf = (computed: boolean) =>
    stepSeconds.filter((_, step) => trace.schedule[step]!.computed === computed);
  const computed = secondsOf(true);
  const { model: _, ...facts } = runFacts(request);
  return {
    at: now,
    ...facts,
    evaluations: trace.steps,
    computed: computed.length,
    worker: workerKind,
    isCold,
    seconds: {
      load: seconds.load,
      encode: seconds.encode,
      decode: seconds.decode,
      write: seconds.write,
      upload: seconds.upload,
      make: makeSeconds,
      computedStep: middle(computed)!,
      reusedStep: middle(secondsOf(false)),
      wait: attempt === 1 ? seconds.queue : null,
    },
    ahead: quote?.ahead ?? null,
  };
}

/** Returns the middle value, the greater of two; null of nothing. */
function middle(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? null;
}
