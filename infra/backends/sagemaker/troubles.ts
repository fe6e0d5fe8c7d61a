import { Duration } from "aws-cdk-lib";
import { MathExpression } from "aws-cdk-lib/aws-cloudwatch";
import type { DeploymentConfig } from "../../config.ts";
import { unfinishedJobs } from "../../metrics.ts";
import type { Troubles } from "../../trouble.ts";
import type { GpuEndpoint } from "./endpoint.ts";
import { instanceReports, queueMetric } from "./metrics.ts";

const OLDEST_REQUEST_SECONDS = 15 * 60;

/** Minutes beyond the idle window after which idle instances count as a leak. */
const LEAK_MINUTES = 60;

const FIVE_MINUTES = Duration.minutes(5);

export function jobTroubles(endpoint: GpuEndpoint): Troubles {
  return {
    OldestRequest: {
      description: "A job waits for an instance: is the quota above zero, is there capacity, does it start?",
      metric: queueMetric(endpoint, "ApproximateAgeOfOldestRequest"),
      threshold: OLDEST_REQUEST_SECONDS,
    },
    FailedInvocations: {
      description:
        "SageMaker could not get a job done; the sweep tries again, and the endpoint's log says why.",
      metric: endpoint.failures.metricNumberOfMessagesPublished({ period: FIVE_MINUTES }),
      threshold: 1,
    },
  };
}

export function costTroubles(config: DeploymentConfig, endpoint: GpuEndpoint): Troubles {
  return {
    GpuLeak: {
      description: "Instances run and nobody has a job for them: scale the endpoint to zero by hand.",
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
