import type { Duration } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";

/** Queued and running jobs as the sweep counts them every two minutes; it is silent where there are none. */
export function unfinishedJobs(deployment: string, period: Duration): Metric {
  return new Metric({
    namespace: "Adareel",
    metricName: "UnfinishedJobs",
    dimensionsMap: { Deployment: deployment },
    statistic: "Maximum",
    period,
  });
}
