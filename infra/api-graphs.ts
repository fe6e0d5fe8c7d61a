import { Duration } from "aws-cdk-lib";
import type { Distribution } from "aws-cdk-lib/aws-cloudfront";
import type { Graph } from "./dashboard.ts";
import type { Trouble } from "./trouble.ts";

/** CloudFront reports all its metrics there. */
const REGION = "us-east-1";

const FIVE_MINUTES = Duration.minutes(5);
const FAULTS_PERCENT = 5;

/** Returns the trouble of an API that answers with 5xx. */
export function apiFaults(distribution: Distribution): Trouble {
  return {
    meaning: `For 15 minutes, ${FAULTS_PERCENT} % or more of the API's answers were 5xx.`,
    remedy:
      "Search the log groups /aws/lambda/us-east-1.NAME-edge-Api in the regions near the callers for the x-request-id " +
      "of such an answer. If it began with a deployment, roll back.",
    metric: distribution.metric5xxErrorRate({ period: FIVE_MINUTES, region: REGION }),
    threshold: FAULTS_PERCENT,
    periods: 3,
  };
}

/** Returns the graphs of the API: what CloudFront counts without extra charge. */
export function apiGraphs(distribution: Distribution): Graph[] {
  const options = { period: FIVE_MINUTES, region: REGION };
  return [
    { title: "API: requests", metrics: [distribution.metricRequests({ ...options, label: "requests" })] },
    {
      title: "API: refused and failed, %",
      metrics: [
        distribution.metric4xxErrorRate({ ...options, label: "4xx" }),
        distribution.metric5xxErrorRate({ ...options, label: "5xx" }),
      ],
    },
    {
      title: "Cost: bytes sent by the API",
      metrics: [distribution.metricBytesDownloaded({ ...options, label: "bytes" })],
    },
  ];
}
