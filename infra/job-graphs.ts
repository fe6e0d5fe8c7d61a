import { Duration } from "aws-cdk-lib";
import { type IMetric, Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { AlarmsProps } from "./alarms.ts";
import type { DeploymentConfig } from "./config.ts";
import type { Graph, LogTable } from "./dashboard.ts";
import type { JobFunction } from "./job-function.ts";
import { unfinishedJobs } from "./metrics.ts";
import { sharedNames } from "./names.ts";

const FIVE_MINUTES = Duration.minutes(5);

/** Returns the graph of jobs that are not finished, by our own count and by the backend's. */
export function jobGraph({ name }: DeploymentConfig, waiting: IMetric): Graph {
  const unfinished = unfinishedJobs(name, FIVE_MINUTES).with({ label: "queued and running" });
  return { title: "Unfinished jobs", metrics: [unfinished, waiting] };
}

/** Returns the graphs of the small functions and their queues. */
export function functionGraphs({ queues, functions }: Pick<AlarmsProps, "queues" | "functions">): Graph[] {
  const ofEach = (metric: (lambda: JobFunction["lambda"], label: string) => IMetric) =>
    Object.entries(functions).map(([label, { lambda }]) => metric(lambda, label));
  const period = FIVE_MINUTES;
  return [
    {
      title: "Functions: calls",
      metrics: ofEach((lambda, label) => lambda.metricInvocations({ period, label })),
    },
    {
      title: "Functions: errors",
      metrics: ofEach((lambda, label) => lambda.metricErrors({ period, label })),
    },
    {
      title: "Functions: longest run, ms",
      metrics: ofEach((lambda, label) => lambda.metricDuration({ period, label, statistic: "Maximum" })),
    },
    {
      title: "Queues: oldest message, s; dead letters",
      metrics: Object.entries(queues).flatMap(([label, { queue, deadLetters }]) => [
        queue.metricApproximateAgeOfOldestMessage({ period, label }),
        deadLetters.metricApproximateNumberOfMessagesVisible({ period, label: `${label}, dead` }),
      ]),
    },
  ];
}

/** Returns the table of what the webhook function did for the jobs that it looked at. */
export function webhookTable({ logGroupName }: JobFunction): LogTable {
  return {
    title: "Webhooks: jobs looked at, by outcome",
    logGroupName,
    query: ['filter msg = "job"', "stats count(*) as jobs by outcome"],
  };
}

/** Returns the graph of the bucket's size, which S3 reports once a day. */
export function storageGraph(config: DeploymentConfig): Graph {
  const size = new Metric({
    namespace: "AWS/S3",
    metricName: "BucketSizeBytes",
    dimensionsMap: { BucketName: sharedNames(config).bucket, StorageType: "StandardStorage" },
    statistic: "Average",
    period: Duration.days(1),
    label: "models, videos and records",
  });
  return { title: "Cost: bytes in the bucket", metrics: [size] };
}
