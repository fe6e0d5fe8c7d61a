import { Duration } from "aws-cdk-lib";
import type { Distribution } from "aws-cdk-lib/aws-cloudfront";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { Graph } from "./dashboard.ts";
import type { Trouble } from "./trouble.ts";

/** Region that has all of CloudFront's metrics; in each of them the dimension `Region` says Global. */
const REGION = "us-east-1";

const FIVE_MINUTES = Duration.minutes(5);
const FAULTS_PERCENT = 5;

/** Returns the trouble of an API that answers with 5xx. */
export function apiFaults(distribution: Distribution): Trouble {
  return {
    meaning: `For 15 minutes, ${FAULTS_PERCENT} % or more of the API's answers were 5xx.`,
    remedy:
      "Search the log groups /aws/lambda/us-east-1.NAME-REGION-edge in the regions near the callers for the x-request-id " +
      "of such an answer. If it began with a deployment, roll back.",
    metric: metric(distribution, "5xxErrorRate", "Average"),
    threshold: FAULTS_PERCENT,
    periods: 3,
  };
}

/** Returns the graphs of the API: what CloudFront counts without extra charge. */
export function apiGraphs(distribution: Distribution): Graph[] {
  return [
    {
      title: "API: requests",
      metrics: [metric(distribution, "Requests", "Sum").with({ label: "requests" })],
    },
    {
      title: "API: refused and failed, %",
      metrics: ["4xx", "5xx"].map((label) =>
        metric(distribution, `${label}ErrorRate`, "Average").with({ label }),
      ),
    },
    {
      title: "Cost: bytes sent by the API",
      metrics: [metric(distribution, "BytesDownloaded", "Sum").with({ label: "bytes" })],
    },
  ];
}

/**
 * Returns a metric of a distribution. The construct's own methods leave out the dimension `Region`, without which
 * CloudWatch finds nothing.
 *
 * @see Amazon CloudFront developer guide, "Types of metrics for CloudFront"
 */
function metric({ distributionId }: Distribution, metricName: string, statistic: "Average" | "Sum"): Metric {
  return new Metric({
    namespace: "AWS/CloudFront",
    metricName,
    dimensionsMap: { DistributionId: distributionId, Region: "Global" },
    statistic,
    period: FIVE_MINUTES,
    region: REGION,
  });
}
