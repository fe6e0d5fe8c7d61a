import { SQSClient } from "@aws-sdk/client-sqs";
import { type Logger, pino } from "pino";
import { logLevel, needed, type Values } from "../../shared/environment.ts";
import { logDestination } from "../../shared/log-destination.ts";
import { system } from "../../shared/system.ts";
import { type DelayedHints, type JobStore, jobStore } from "../jobs/index.ts";
import { sqsHints } from "../queue/index.ts";
import { type ObjectStore, openStore } from "../storage/index.ts";

/** Dependencies that all small functions share. */
export interface JobFunction {
  readonly store: ObjectStore;
  readonly jobs: JobStore;
  readonly hints: DelayedHints;
  readonly sqs: SQSClient;
  readonly log: Logger;
}

/** Environment variables that all small functions read. */
export const functionVariables = {
  STORE: needed("s3://bucket, where the jobs are"),
  WORK_QUEUE_URL: needed("the URL of the queue for dispatch"),
  WEBHOOKS_QUEUE_URL: needed("the URL of the queue for webhooks"),
  LOG_LEVEL: logLevel(),
};

/** Opens the store and the queues that the environment names. Runs once for each cold start. */
export async function openFunction({
  STORE,
  WORK_QUEUE_URL,
  WEBHOOKS_QUEUE_URL,
  LOG_LEVEL,
}: Values<typeof functionVariables>): Promise<JobFunction> {
  const log = pino({ level: LOG_LEVEL, base: null }, logDestination(1));
  const store = await openStore(STORE, { signUrl: refuseToSign });
  const jobs = jobStore({
    store,
    ...system,
    onDamaged: (error) => log.error({ reason: error.message }, "a damaged record was skipped"),
  });
  const sqs = new SQSClient({});
  const hints = sqsHints({ client: sqs, workUrl: WORK_QUEUE_URL, webhooksUrl: WEBHOOKS_QUEUE_URL });
  return { store, jobs, hints, sqs, log };
}

function refuseToSign(): never {
  throw new Error("This function signs no URLs.");
}
