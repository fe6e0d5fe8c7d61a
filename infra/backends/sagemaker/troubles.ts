import { Duration } from "aws-cdk-lib";
import { MathExpression } from "aws-cdk-lib/aws-cloudwatch";
import type { DeploymentConfig } from "../../config.ts";
import { unfinishedJobs } from "../../metrics.ts";
import type { Troubles } from "../../trouble.ts";
import type { GpuEndpoint } from "./endpoint.ts";
import { instanceReports, queueMetric } from "./metrics.ts";

const NO_INSTANCE_MINUTES = 15;
const OLDEST_REQUEST_SECONDS = 15 * 60;

/** Minutes beyond the idle window after which idle instances count as a leak. */
const LEAK_MINUTES = 60;

const FIVE_MINUTES = Duration.minutes(5);

export function jobTroubles(endpoint: GpuEndpoint): Troubles {
  return {
    // Without an instance no other metric of the queue is sure to exist, and the age of a job would be missing.
    NoInstance: {
      meaning: "Jobs have waited for 15 minutes, and there is no instance.",
      remedy:
        "Look at the endpoint in the SageMaker console: quota or capacity is missing, or the container does not start. Run " +
        "npm run preflight, or name more instanceTypes.",
      metric: queueMetric(endpoint, "HasBacklogWithoutCapacity"),
      threshold: 1,
      periods: NO_INSTANCE_MINUTES,
    },
    OldestRequest: {
      meaning: "A job has waited for 15 minutes.",
      remedy:
        "If the alarm NoInstance rings too, do what it says. Otherwise more is asked than the instances make: raise " +
        "instancesMax.",
      metric: queueMetric(endpoint, "ApproximateAgeOfOldestRequest"),
      threshold: OLDEST_REQUEST_SECONDS,
    },
    FailedInvocations: {
      meaning: "SageMaker could not get a job done; the sweep queues it again, and its fifth loss fails it.",
      remedy:
        "Read the log group /aws/sagemaker/Endpoints/ with the endpoint's name: too little memory, a crash, or a model " +
        "that does not open.",
      metric: endpoint.failures.metricNumberOfMessagesPublished({ period: FIVE_MINUTES }),
      threshold: 1,
    },
  };
}

export function costTroubles(config: DeploymentConfig, endpoint: GpuEndpoint): Troubles {
  return {
    GpuLeak: {
      meaning:
        "Instances have been running without a job for an hour longer than they should, and they are billed.",
      remedy:
        "Set the instance count of the endpoint's variant gpu to 0 in the SageMaker console. Then find out why the alarm " +
        "Sleep did not.",
      metric: leak(config, endpoint),
      threshold: 1,
      periods: Math.ceil((LEAK_MINUTES + config.idleMinutes) / FIVE_MINUTES.toMinutes()),
    },
  };
}

/**
 * Metric of instances that report while there are no jobs. Five minutes contain two sweeps, so a job is never
 * missed.
 */
function leak({ name }: DeploymentConfig, endpoint: GpuEndpoint): MathExpression {
  return new MathExpression({
    expression: "IF(FILL(unfinished, 0) > 0, 0, reports)",
    usingMetrics: {
      unfinished: unfinishedJobs(name, FIVE_MINUTES),
      reports: instanceReports(endpoint, FIVE_MINUTES),
    },
    period: FIVE_MINUTES,
    label: "Idle instances",
  });
}
