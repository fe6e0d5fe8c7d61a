import { setTimeout as sleep } from "node:timers/promises";
import { type JobStore, type PassedOver, passedOver } from "../../lib/service/jobs/index.ts";
import { system } from "../../lib/shared/system.ts";
import type { GpuConfig } from "./config.ts";
import type { Log } from "./log.ts";
import type { Pause } from "./pull.ts";
import { storeTurns } from "./store-turns.ts";
import { ecsTaskProtection, type TaskProtection } from "./task-protection.ts";
import type { TurnSource } from "./turn-source.ts";

/** Source of a pulling worker's turns, with what its platform promises meanwhile. */
export interface OpenTurns {
  readonly source: TurnSource;
  readonly protection: TaskProtection | null;
  /** Jobs that the worker's turns do not look at; undefined where a queue's messages name the jobs that wait. */
  readonly passedOver: PassedOver | undefined;
}

export interface OpenTurnsDeps {
  readonly jobs: JobStore;
  readonly log: Log;
}

/** Opens the turns of a pulling worker: those of the queue, if there is one, and else those of the store itself. */
export async function openTurns(config: GpuConfig, { jobs, log }: OpenTurnsDeps): Promise<OpenTurns> {
  const { runsQueueUrl: url, ecsAgentUrl, pullPauseMs } = config;
  const protection = ecsAgentUrl === null ? null : ecsTaskProtection({ agentUrl: ecsAgentUrl, log });
  if (url !== null) {
    const { SQSClient } = await import("@aws-sdk/client-sqs");
    const { queueTurns } = await import("./queue-turns.ts");
    const source = queueTurns({ client: new SQSClient({}), url, jobs, clock: system.clock, log });
    return { source, protection, passedOver: undefined };
  }
  const seen = passedOver(system.timers);
  const { random } = system;
  const source = storeTurns({ jobs, passedOver: seen, pause, random, pauseMsMax: pullPauseMs });
  return { source, protection, passedOver: seen };
}

export const pause: Pause = (durationMs, signal) =>
  sleep(durationMs, undefined, { signal }).catch(() => undefined);
