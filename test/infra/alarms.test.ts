import { readFileSync } from "node:fs";
import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { TroubleAlarm } from "../../infra/trouble-alarm.ts";
import { allowsToPublish, deploymentApp, templateOf } from "./deployment.ts";
import { names } from "./policies.ts";

const template = templateOf("gpu", { alarmEmail: "ops@example.com", idleMinutes: "7" });
const [endpoint] = Object.values(template.findResources("AWS::SageMaker::Endpoint"));
const ofEndpoint = [{ Name: "EndpointName", Value: endpoint!.Properties.EndpointName }];
const ofVariant = [...ofEndpoint, { Name: "VariantName", Value: "gpu" }];

const alarms = Object.entries(template.findResources("AWS::CloudWatch::Alarm"))
  .filter(([id]) => id.startsWith("Alarms"))
  .map(([id, { Properties }]) => [id.slice("Alarms".length, -8), Properties] as const);

function alarm(name: string) {
  return alarms.find(([each]) => each === name)![1];
}

it("an alarm exists for everything that does not repair itself", () => {
  expect(alarms.map(([name]) => name).sort()).toEqual([
    "DispatchErrors",
    "EventsDeadLetters",
    "FailedInvocations",
    "GpuLeak",
    "NoInstance",
    "OldestRequest",
    "SendsDeadLetters",
    "SettleErrors",
    "SweepErrors",
    "SweepSilent",
    "WebhookErrors",
    "WebhooksDeadLetters",
    "WorkDeadLetters",
  ]);
});

it("an alarm's description says what has happened and what to do, as the table of docs/deploy.md does", () => {
  const told = troubleAlarms().map(({ node, trouble: { meaning, remedy } }) => [node.id, meaning, remedy]);
  expect(told).toHaveLength(alarms.length + 1);
  for (const [name, { AlarmName }] of alarms) expect(AlarmName).toBe(`adareel-${name}`);
  for (const [name, { AlarmDescription }] of alarms)
    expect(
      told
        .find(([id]) => id === name)!
        .slice(1)
        .join(" "),
    ).toBe(AlarmDescription);
  // Alarms that mean the same have one row of the table.
  const namesByText = new Map<string, string[]>();
  for (const [id, meaning, remedy] of told) {
    const text = `${meaning} | ${remedy}`;
    namesByText.set(text, [...(namesByText.get(text) ?? []), `\`${id}\``]);
  }
  const rows = [...namesByText].map(([text, ids]) => `| ${ids.join(", ")} | ${text} |`);
  const document = readFileSync("docs/deploy.md", "utf8").split("\n");
  const first = document.indexOf("| alarm | what it means | what to do |") + 2;
  expect(document.slice(first, document.indexOf("", first))).toEqual(rows);
});

it("an alarm that only scales says that it is no fault", () => {
  const scaling = Object.entries(template.findResources("AWS::CloudWatch::Alarm")).filter(
    ([id]) => !id.startsWith("Alarms"),
  );
  expect(scaling).toHaveLength(2);
  for (const [, { Properties }] of scaling)
    expect(Properties.AlarmDescription).toMatch(/^Scaling, not a fault: .*\. There is nothing to do\.$/);
});

describe("the topic of alarms", () => {
  it("the alarm topic receives every alarm", () => {
    for (const [, { AlarmActions }] of alarms)
      expect(AlarmActions).toEqual([{ Ref: expect.stringMatching(/^AlarmsOps/) }]);
  });

  it("the alarm topic allows CloudWatch to publish, which its own policy would otherwise remove", () => {
    template.hasResourceProperties("AWS::SNS::TopicPolicy", {
      ...allowsToPublish("cloudwatch.amazonaws.com"),
      Topics: [{ Ref: Match.stringLikeRegexp("^AlarmsOps") }],
    });
  });

  it("the alarm topic sends mail where an address is configured", () => {
    const mail = { Protocol: "email", Endpoint: "ops@example.com" };
    template.hasResourceProperties("AWS::SNS::Subscription", mail);
    templateOf("gpu").resourcePropertiesCountIs("AWS::SNS::Subscription", { Protocol: "email" }, 0);
  });
});

it.each(["Work", "Events", "Webhooks", "Sends"])("an alarm reports messages that %s gave up", (queue) => {
  const { Dimensions, ...rest } = alarm(`${queue}DeadLetters`);
  expect(Dimensions.map(({ Value }: { Value: unknown }) => names(Value))).toEqual([`${queue}DeadLetters`]);
  expect(rest).toMatchObject({
    Namespace: "AWS/SQS",
    MetricName: "ApproximateNumberOfMessagesVisible",
    Threshold: 1,
    EvaluationPeriods: 1,
    TreatMissingData: "notBreaching",
  });
});

it.each(["Dispatch", "Settle", "Webhook", "Sweep"])(
  "an alarm reports a function %s that fails again and again",
  (name) => {
    expect(alarm(`${name}Errors`)).toMatchObject({
      Namespace: "AWS/Lambda",
      MetricName: "Errors",
      Dimensions: [{ Name: "FunctionName", Value: { Ref: expect.stringMatching(`^${name}Function`) } }],
      Statistic: "Sum",
      Period: 300,
      Threshold: 3,
    });
  },
);

it("an alarm reports a job that waits for a quarter of an hour", () => {
  expect(alarm("OldestRequest")).toMatchObject({
    Namespace: "AWS/SageMaker",
    MetricName: "ApproximateAgeOfOldestRequest",
    Dimensions: ofEndpoint,
    Threshold: 900,
    ComparisonOperator: "GreaterThanOrEqualToThreshold",
  });
});

it("an alarm reports jobs that wait while there is no instance, by the one metric that exists then", () => {
  expect(alarm("NoInstance")).toMatchObject({
    Namespace: "AWS/SageMaker",
    MetricName: "HasBacklogWithoutCapacity",
    Dimensions: ofEndpoint,
    Period: 60,
    EvaluationPeriods: 15,
    Threshold: 1,
    ComparisonOperator: "GreaterThanOrEqualToThreshold",
  });
});

it("an alarm reports a failed invocation", () => {
  expect(alarm("FailedInvocations")).toMatchObject({
    Namespace: "AWS/SNS",
    MetricName: "NumberOfMessagesPublished",
    Dimensions: [
      {
        Name: "TopicName",
        Value: { "Fn::GetAtt": [expect.stringMatching(/^EndpointFailures/), "TopicName"] },
      },
    ],
    Threshold: 1,
  });
});

it("an alarm reports a missing sweep, although it then sends no data", () => {
  expect(alarm("SweepSilent")).toMatchObject({
    Namespace: "AWS/Lambda",
    MetricName: "Invocations",
    Period: 600,
    Threshold: 1,
    ComparisonOperator: "LessThanThreshold",
    TreatMissingData: "breaching",
  });
});

describe("instances that nobody needs", () => {
  const { Metrics: metrics, ...leak } = alarm("GpuLeak");

  it("an alarm reports idle instances one hour after they should have stopped", () => {
    expect(leak).toMatchObject({
      EvaluationPeriods: Math.ceil((60 + 7) / 5),
      Threshold: 1,
      ComparisonOperator: "GreaterThanOrEqualToThreshold",
      TreatMissingData: "notBreaching",
    });
  });

  it("idle instances are those that report while the sweep counts no job", () => {
    const [expression, ...terms] = metrics;
    expect(expression!.Expression).toBe("IF(FILL(unfinished, 0) > 0, 0, reports)");
    expect(terms.map(({ MetricStat }: Metric) => MetricStat)).toEqual([
      {
        Metric: {
          Namespace: "Adareel",
          MetricName: "UnfinishedJobs",
          Dimensions: [{ Name: "Deployment", Value: "adareel" }],
        },
        Stat: "Maximum",
        Period: 300,
      },
      {
        Metric: {
          Namespace: "/aws/sagemaker/Endpoints",
          MetricName: "CPUUtilization",
          Dimensions: ofVariant,
        },
        Stat: "SampleCount",
        Period: 300,
      },
    ]);
  });
});

function troubleAlarms(): TroubleAlarm[] {
  return deploymentApp()
    .service.node.findAll()
    .filter((each) => each instanceof TroubleAlarm);
}

interface Metric {
  readonly MetricStat: object;
}
