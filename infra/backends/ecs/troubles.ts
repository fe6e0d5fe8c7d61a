import { Duration } from "aws-cdk-lib";
import { MathExpression } from "aws-cdk-lib/aws-cloudwatch";
import type { DeploymentConfig } from "../../config.ts";
import { unfinishedJobs } from "../../metrics.ts";
import type { Troubles } from "../../trouble.ts";
import { taskReports, waitingRuns } from "./metrics.ts";
import type { WorkerService } from "./worker-service.ts";

const MINUTE = Duration.minutes(1);
const FIVE_MINUTES = Duration.minutes(5);

/** Minutes for which jobs may wait while no worker runs, and for which some may wait without a break. */
const NO_WORKER_MINUTES = 15;
const BACKLOG_MINUTES = 60;

/** Minutes beyond the idle window after which idle workers count as a leak. */
const LEAK_MINUTES = 60;

export function jobTroubles({ queue, runs, ...names }: WorkerService): Troubles {
  return {
    NoWorker: {
      meaning: "Jobs have waited for 15 minutes, and no worker runs.",
      remedy:
        "Look at the events of the service in the ECS console. Without an instance, quota or capacity is missing: run npm " +
        "run preflight, or name more instanceTypes. With tasks that stop, read the log of the workers.",
      metric: new MathExpression({
        expression: "IF(FILL(waiting, 0) > 0, IF(FILL(reports, 0) > 0, 0, 1), 0)",
        usingMetrics: { waiting: waitingRuns(queue), reports: taskReports(names, MINUTE) },
        period: MINUTE,
        label: "Jobs without a worker",
      }),
      threshold: 1,
      periods: NO_WORKER_MINUTES,
    },
    Backlog: {
      meaning: "Jobs have waited for a worker for an hour without a break.",
      remedy:
        "More is asked than the workers make: raise instancesMax, and the quota with it. If workers are missing, the " +
        "alarm NoWorker or the events of the service say why.",
      metric: waitingRuns(queue),
      threshold: 1,
      periods: BACKLOG_MINUTES,
    },
    RunsDeadLetters: {
      meaning: "Turns failed five times and were set aside; the sweep looks after their jobs.",
      remedy:
        "Read the log of the workers: a crash, too little memory, or a job that no worker survives. Then redrive the " +
        "messages in the SQS console. Deleting them loses nothing.",
      metric: runs.deadLetters.metricApproximateNumberOfMessagesVisible({
        statistic: "Maximum",
        period: FIVE_MINUTES,
      }),
      threshold: 1,
    },
  };
}

export function costTroubles({ name, idleMinutes }: DeploymentConfig, workers: WorkerService): Troubles {
  return {
    GpuLeak: {
      meaning:
        "Workers have been running without a job for an hour longer than they should, and they are billed.",
      remedy:
        "Set the number of desired tasks of the service to 0 in the ECS console. Then find out why the alarm Sleep did not.",
      metric: new MathExpression({
        expression: "IF(FILL(unfinished, 0) > 0, 0, reports)",
        // Five minutes contain two sweeps, so a job is never missed.
        usingMetrics: {
          unfinished: unfinishedJobs(name, FIVE_MINUTES),
          reports: taskReports(workers, FIVE_MINUTES),
        },
        period: FIVE_MINUTES,
        label: "Idle workers",
      }),
      threshold: 1,
      periods: Math.ceil((LEAK_MINUTES + idleMinutes) / FIVE_MINUTES.toMinutes()),
    },
  };
}
