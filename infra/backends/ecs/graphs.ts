import { Duration } from "aws-cdk-lib";
import { MathExpression } from "aws-cdk-lib/aws-cloudwatch";
import type { Graph, LogTable } from "../../dashboard.ts";
import type { BackendGraphs } from "../backend.ts";
import { heldRuns, type ServiceNames, serviceMetric, taskReports, waitingRuns } from "./metrics.ts";
import type { WorkerService } from "./worker-service.ts";

const MINUTE = Duration.minutes(1);
const HOUR = Duration.hours(1);

/** Returns the graphs of the workers: their queue, how runs ended, and the tasks, whose instances are what costs. */
export function workerGraphs(workers: WorkerService): BackendGraphs {
  const waiting = waitingRuns(workers.queue).with({ label: "in the queue of runs" });
  return {
    waiting,
    jobs: [turns(workers), ends(workers)],
    instances: [tasks(workers), utilization(workers), hours(workers)],
  };
}

function turns({ queue, runs }: WorkerService): Graph {
  const dead = runs.deadLetters.metricApproximateNumberOfMessagesVisible({
    statistic: "Maximum",
    period: Duration.minutes(5),
    label: "dead letters",
  });
  return {
    title: "Turns: jobs that wait for a worker, and that one works on",
    metrics: [waitingRuns(queue).with({ label: "waiting" }), heldRuns(queue).with({ label: "taken" }), dead],
  };
}

/** The container logs a line for each job it has worked on. */
function ends({ logGroup }: WorkerService): LogTable {
  return {
    title: "Jobs worked on, by their state afterwards",
    logGroupName: logGroup.logGroupName,
    query: ['filter msg = "job"', "stats count(*) as jobs by status, code"],
  };
}

/** Each task reports once a minute, so the number of reports is the number of workers. */
function tasks(names: ServiceNames): Graph {
  return {
    title: "Workers",
    metrics: [taskReports(names, MINUTE).with({ label: "workers that report" })],
  };
}

function utilization(names: ServiceNames): Graph {
  return {
    title: "Workers: utilization without the GPU, %",
    metrics: ["CPUUtilization", "MemoryUtilization"].map((name) =>
      serviceMetric(names, name).with({ label: name }),
    ),
  };
}

/** An instance is billed longer than its worker runs: from its start until it is removed. */
function hours(names: ServiceNames): Graph {
  const run = new MathExpression({
    expression: "reports / 60",
    usingMetrics: { reports: taskReports(names, HOUR) },
    period: HOUR,
    label: "worker hours",
  });
  return { title: "Cost: worker hours in each hour", metrics: [run] };
}
