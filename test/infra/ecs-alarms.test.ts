import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { TroubleAlarm } from "../../infra/trouble-alarm.ts";
import { deploymentApp, templateOf } from "./deployment.ts";
import { names } from "./policies.ts";

const options = { backend: "ecs", idleMinutes: "7" };
const template = templateOf("gpu", options);
const troubles = deploymentApp(options)
  .service.node.findAll()
  .filter((each) => each instanceof TroubleAlarm);

function alarm(name: string) {
  const alarms = Object.entries(template.findResources("AWS::CloudWatch::Alarm"));
  return alarms.find(([id]) => id.slice(0, -8) === `Alarms${name}`)![1].Properties;
}

it("an alarm of workers exists for everything that does not repair itself", () => {
  expect(troubles.map(({ node }) => node.id).sort()).toEqual([
    "Backlog",
    "DispatchErrors",
    "Faults",
    "GpuLeak",
    "NoWorker",
    "RunsDeadLetters",
    "SendsDeadLetters",
    "SweepErrors",
    "SweepSilent",
    "WebhookErrors",
    "WebhooksDeadLetters",
    "WorkDeadLetters",
  ]);
});

it("the alarms that are others with ECS are in a table of docs/deploy.md", () => {
  const own = new Set(["Backlog", "GpuLeak", "NoWorker", "RunsDeadLetters"]);
  const rows = troubles
    .filter(({ node }) => own.has(node.id))
    .map(({ node, trouble: { meaning, remedy } }) => `| \`${node.id}\` | ${meaning} | ${remedy} |`);
  const document = readFileSync("docs/deploy.md", "utf8").split("\n");
  const first = document.indexOf("| alarm with `backend=ecs` | what it means | what to do |") + 2;
  expect(document.slice(first, document.indexOf("", first)).sort()).toEqual(rows.sort());
});

it("an alarm reports jobs that wait for a quarter of an hour while no worker reports", () => {
  const { Metrics: metrics, ...rest } = alarm("NoWorker");
  expect(rest).toMatchObject({ Threshold: 1, EvaluationPeriods: 15 });
  expect(metrics[0].Expression).toBe("IF(FILL(waiting, 0) > 0, IF(FILL(reports, 0) > 0, 0, 1), 0)");
});

it.each(["NoWorker", "Backlog"])("the alarm %s counts the jobs that wait in the queue of runs", (name) => {
  const queues = [...JSON.stringify(alarm(name)).matchAll(/"QueueName","Value":\{"Fn::GetAtt":\["(\w+)"/g)];
  expect(queues.map(([, id]) => id)).toEqual([expect.stringMatching(/^WorkersRunsQueue/)]);
});

it("an alarm reports jobs that wait for an hour without a break", () => {
  expect(alarm("Backlog")).toMatchObject({
    Namespace: "AWS/SQS",
    MetricName: "ApproximateNumberOfMessagesVisible",
    Period: 60,
    EvaluationPeriods: 60,
    Threshold: 1,
    TreatMissingData: "notBreaching",
  });
});

it("an alarm reports turns that were set aside", () => {
  const { Dimensions: dimensions } = alarm("RunsDeadLetters");
  expect(names(dimensions[0].Value)).toBe("WorkersRunsDeadLetters");
});

it("an alarm reports workers without a job one hour after they should have stopped", () => {
  const { Metrics: metrics, ...leak } = alarm("GpuLeak");
  expect(leak).toMatchObject({ EvaluationPeriods: Math.ceil((60 + 7) / 5), Threshold: 1 });
  expect(metrics[0].Expression).toBe("IF(FILL(unfinished, 0) > 0, 0, reports)");
  expect(metrics[2].MetricStat).toMatchObject({
    Metric: { Namespace: "AWS/ECS", MetricName: "CPUUtilization" },
    Stat: "SampleCount",
    Period: 300,
  });
});
