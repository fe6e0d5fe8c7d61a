import type { Duration } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";

/** Number of queued and running jobs, counted by the sweep every two minutes; there is no data while there are none. */
export function unfinishedJobs(deployment: string, period: Duration): Metric {
  return new Metric({
    namespace: "Adareel",
    metricName: "UnfinishedJobs",
    dimensionsMap: { Deployment: deployment },
    statistic: "Maximum",
    period,
  });
}
