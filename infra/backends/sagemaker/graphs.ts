import { Duration } from "aws-cdk-lib";
import { MathExpression } from "aws-cdk-lib/aws-cloudwatch";
import type { DeploymentConfig } from "../../config.ts";
import type { Graph, LogTable } from "../../dashboard.ts";
import type { BackendGraphs } from "../backend.ts";
import { hasGpu } from "../instance-types.ts";
import { type GpuEndpoint, logGroupOf } from "./endpoint.ts";
import { instanceMetric, instanceReports, queueMetric } from "./metrics.ts";

const MINUTE = Duration.minutes(1);
const HOUR = Duration.hours(1);

/** Returns the graphs of an endpoint: its queue, how runs ended, and the instances, which are what costs. */
export function endpointGraphs(config: DeploymentConfig, endpoint: GpuEndpoint): BackendGraphs {
  return {
    waiting: queueMetric(endpoint, "ApproximateBacklogSize").with({ label: "in SageMaker's queue" }),
    jobs: [oldest(endpoint), runs(endpoint), ends(endpoint)],
    instances: [instances(endpoint), utilization(config, endpoint), hours(endpoint)],
  };
}

function oldest(endpoint: GpuEndpoint): Graph {
  const age = queueMetric(endpoint, "ApproximateAgeOfOldestRequest").with({ label: "oldest job" });
  return { title: "Age of the oldest job in SageMaker's queue, s", metrics: [age] };
}

/** A run succeeds for SageMaker even if the video fails: then the container has written down why. */
function runs({ successes, failures }: GpuEndpoint): Graph {
  const period = Duration.minutes(5);
  return {
    title: "Runs that ended, and runs that SageMaker lost",
    metrics: [
      successes.metricNumberOfMessagesPublished({ period, label: "ended" }),
      failures.metricNumberOfMessagesPublished({ period, label: "lost" }),
    ],
  };
}

/** The container logs a line for each job it has worked on. */
function ends({ endpointName }: GpuEndpoint): LogTable {
  return {
    title: "Jobs worked on, by their state afterwards",
    logGroupName: logGroupOf(endpointName),
    query: ['filter msg = "job"', "stats count(*) as jobs by status, code"],
  };
}

/** Each instance reports once a minute, so the number of reports is the number of instances. */
function instances(endpoint: GpuEndpoint): Graph {
  const reports = instanceReports(endpoint, MINUTE).with({ label: "instances that report" });
  return { title: "Instances", metrics: [reports] };
}

function utilization(config: DeploymentConfig, endpoint: GpuEndpoint): Graph {
  const names = hasGpu(config)
    ? ["GPUUtilization", "GPUMemoryUtilization"]
    : ["CPUUtilization", "MemoryUtilization"];
  return {
    title: "Instances: utilization, %",
    metrics: names.map((name) => instanceMetric(endpoint, name).with({ label: name })),
  };
}

function hours(endpoint: GpuEndpoint): Graph {
  const billed = new MathExpression({
    expression: "reports / 60",
    usingMetrics: { reports: instanceReports(endpoint, HOUR) },
    period: HOUR,
    label: "instance hours",
  });
  return { title: "Cost: instance hours in each hour", metrics: [billed] };
}
