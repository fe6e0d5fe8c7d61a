import { describe, expect, it } from "vitest";
import { templateOf } from "./deployment.ts";
import { namedResources, names } from "./policies.ts";

/** Statistics of the metrics of alarms: the worst value of a level, the sum of events, and reports counted. */
const STATISTICS: Readonly<Record<string, string>> = {
  ApproximateAgeOfOldestRequest: "Maximum",
  ApproximateBacklogSize: "Maximum",
  ApproximateBacklogSizePerInstance: "Maximum",
  ApproximateNumberOfMessagesNotVisible: "Maximum",
  ApproximateNumberOfMessagesVisible: "Maximum",
  CPUUtilization: "SampleCount",
  Errors: "Sum",
  HasBacklogWithoutCapacity: "Maximum",
  Invocations: "Sum",
  NumberOfMessagesPublished: "Sum",
  UnfinishedJobs: "Maximum",
};

/** Time for which SQS keeps a message where a template does not say. */
const SQS_RETENTION_SECONDS = 4 * 86_400;

/** Maximum lifetime of a job. */
const LIFETIME_SECONDS_MAX = 6 * 3600;

interface QueueProperties {
  readonly RedrivePolicy: { readonly deadLetterTargetArn: unknown; readonly maxReceiveCount: number };
}

/** Metric of an alarm that has several. */
interface Query {
  readonly MetricStat?: { readonly Metric: { readonly MetricName: string }; readonly Stat: string };
}

const backends = [
  ["SageMaker", { backend: "sagemaker", instancesMax: "4" }],
  ["ECS", { backend: "ecs", instancesMax: "4" }],
] as const;

describe.each(backends)("the wiring with %s", (_name, options) => {
  const template = templateOf("gpu", options);
  const found = (type: string) =>
    Object.entries(template.findResources(type)).map(([id, { Properties }]) => ({
      id: id.slice(0, -8),
      ...Properties,
    }));
  const alarms = found("AWS::CloudWatch::Alarm");

  it("a queue hands its messages to a function all the time, and all of them", () => {
    const mappings = found("AWS::Lambda::EventSourceMapping");
    expect(mappings.length).toBeGreaterThan(2);
    for (const mapping of mappings) {
      expect(mapping.Enabled ?? true).toBe(true);
      expect(mapping).not.toHaveProperty("FilterCriteria");
    }
  });

  it("a queue sets messages aside after five tries, into dead letters of its own", () => {
    const queues = found("AWS::SQS::Queue").filter(({ id }) => id.endsWith("Queue"));
    expect(queues.length).toBeGreaterThan(1);
    for (const { id, RedrivePolicy: redrive } of queues as (QueueProperties & { id: string })[]) {
      expect(redrive?.maxReceiveCount, id).toBe(5);
      expect(names(redrive.deadLetterTargetArn)).toBe(id.replace(/Queue$/, "DeadLetters"));
    }
  });

  it("a queue gives its messages out at once and for longer than a job lives, and dead letters for two weeks", () => {
    const queues = [templateOf("data", options), template].flatMap((each) =>
      namedResources(each).filter(({ type }) => type === "AWS::SQS::Queue"),
    );
    expect(queues.length).toBeGreaterThan(6);
    for (const { name, properties } of queues) {
      const { DelaySeconds: delay = 0, MessageRetentionPeriod: kept = SQS_RETENTION_SECONDS } = properties;
      expect([name, delay]).toEqual([name, 0]);
      if (name.endsWith("DeadLetters")) expect([name, kept]).toEqual([name, 14 * 86_400]);
      else expect(kept, name).toBeGreaterThan(LIFETIME_SECONDS_MAX);
    }
  });

  it("an alarm acts, and one that tells people has the topic for it", () => {
    for (const { id, ActionsEnabled, AlarmActions } of alarms) {
      expect(ActionsEnabled ?? true, id).toBe(true);
      const isTold = id.startsWith("Alarms");
      expect(AlarmActions?.map(names), id).toEqual([isTold ? "AlarmsOps" : `${id}Policy`]);
    }
  });

  it("an alarm rings at its threshold, and not only beyond it", () => {
    const above = alarms.filter(({ ComparisonOperator: operator }) => !operator.startsWith("Less"));
    expect(above.length).toBeGreaterThan(8);
    for (const { id, ComparisonOperator: operator } of above)
      expect(operator, id).toBe("GreaterThanOrEqualToThreshold");
    const below = alarms.filter(({ ComparisonOperator: operator }) => operator.startsWith("Less"));
    expect(below.map(({ id }) => id).sort()).toEqual(["AlarmsSweepSilent", "ScalingSleep"]);
  });

  it("an alarm takes the worst value of a level, and the sum of what happens", () => {
    const asked: [string, string][] = alarms.flatMap(({ Metrics, MetricName, Statistic }) =>
      Metrics
        ? (Metrics as Query[]).flatMap(({ MetricStat: stat }) =>
            stat ? [[stat.Metric.MetricName, stat.Stat] as [string, string]] : [],
          )
        : [[MetricName, Statistic] as [string, string]],
    );
    for (const [metric, statistic] of asked)
      expect([metric, statistic]).toEqual([metric, STATISTICS[metric]]);
  });

  it("the alarm of a silent sweep watches the sweep", () => {
    const { Dimensions: dimensions } = alarms.find(({ id }) => id === "AlarmsSweepSilent")!;
    expect(dimensions.map(({ Value }: { Value: unknown }) => names(Value))).toEqual(["SweepFunction"]);
  });
});
