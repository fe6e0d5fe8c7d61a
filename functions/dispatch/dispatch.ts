import { InvokeEndpointAsyncCommand, type SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import {
  hasUnsettled,
  isDispatched,
  type JobRecord,
  type JobRef,
  type JobStore,
} from "../../lib/service/jobs/index.ts";
import { jobLocation, type SqsHints } from "../../lib/service/queue/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import { retry } from "../../lib/shared/retry.ts";

export interface DispatchDeps {
  readonly jobs: JobStore;
  readonly runtime: Pick<SageMakerRuntimeClient, "send">;
  readonly endpointName: string;
  /** Where SageMaker finds the jobs: `s3://bucket`. */
  readonly storeUrl: string;
  readonly hints: Pick<SqsHints, "webhooks">;
  readonly clock: Clock;
  readonly sleep: (durationMs: number) => Promise<unknown>;
}

/** `known` is begun, over, or in the endpoint's queue already. */
export type Dispatched = "dispatched" | "expired" | "known" | "missing";

/** The longest of SageMaker's. */
const INVOCATION_SECONDS = 3600;

/** How long SageMaker's queue can keep what no worker takes. */
const TTL_SECONDS_MIN = 60;
const TTL_SECONDS_MAX = 21_600;

/** The waits for a record whose marker was quicker. */
const RECORD_WAITS_MS = [100, 200, 400, 800];

/**
 * Puts a queued job into the queue of the endpoint, unless it is there.
 *
 * @throws Error whatever SageMaker refuses: no job is at fault for that
 */
export async function dispatch(deps: DispatchDeps, ref: JobRef): Promise<Dispatched> {
  const found = await comingRecord(deps, ref);
  // Whoever was about to write it died, or will be found out by the sweeper to have been slow.
  if (!found) return "missing";
  const { outcome, record } = await bringForward(deps, found);
  if (hasUnsettled(record)) await deps.hints.webhooks(ref);
  return outcome;
}

function comingRecord({ jobs, sleep }: DispatchDeps, ref: JobRef): Promise<JobRecord | null> {
  return retry(() => jobs.read(ref), { waits: RECORD_WAITS_MS, sleep, isDone: (record) => record !== null });
}

async function bringForward(
  deps: DispatchDeps,
  found: JobRecord,
): Promise<{ readonly outcome: Dispatched; readonly record: JobRecord }> {
  const { jobs, endpointName: to, clock } = deps;
  const now = clock.now();
  if (found.status !== "queued") return { outcome: "known", record: found };
  if (now >= found.deadlineAt) {
    const { record } = await jobs.apply(found, { type: "expire" });
    return { outcome: "expired", record: record ?? found };
  }
  if (isDispatched(found, { to, now })) return { outcome: "known", record: found };
  // In this order, since a crash in between then makes a second invocation, which does no harm, and loses no job.
  await invoke(deps, found, now);
  const { record } = await jobs.apply(found, { type: "dispatch", to });
  return { outcome: "dispatched", record: record ?? found };
}

async function invoke(
  { runtime, endpointName, storeUrl }: DispatchDeps,
  record: JobRecord,
  now: number,
): Promise<void> {
  const leftSeconds = Math.ceil((record.deadlineAt - now) / 1000);
  await runtime.send(
    new InvokeEndpointAsyncCommand({
      EndpointName: endpointName,
      InputLocation: jobLocation(storeUrl, record),
      ContentType: "application/json",
      InferenceId: `${record.id}.${record.attempt + 1}`,
      InvocationTimeoutSeconds: INVOCATION_SECONDS,
      RequestTTLSeconds: Math.min(Math.max(leftSeconds, TTL_SECONDS_MIN), TTL_SECONDS_MAX),
    }),
  );
}
