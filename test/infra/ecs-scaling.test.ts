import { describe, expect, it } from "vitest";
import { templateOf } from "./deployment.ts";

const template = templateOf("gpu", { backend: "ecs", instancesMax: "20", idleMinutes: "7" });
const single = templateOf("gpu", { backend: "ecs" });

function alarmOf(id: string, from = template) {
  const alarms = Object.entries(from.findResources("AWS::CloudWatch::Alarm"));
  return alarms.find(([name]) => name.startsWith(`Scaling${id}`))?.[1].Properties;
}

/** Returns the scaling policy that an alarm invokes. */
function policyOf(id: string) {
  const [{ Ref: policyId }] = alarmOf(id)!.AlarmActions;
  const policies = template.findResources("AWS::ApplicationAutoScaling::ScalingPolicy");
  return policies[policyId]!.Properties.StepScalingPolicyConfiguration;
}

/** Returns the metric of an alarm's expression that has an id there. */
function metricOf(alarm: string, id: string) {
  return alarmOf(alarm)!.Metrics.find((metric: { readonly Id: string }) => metric.Id === id);
}

describe("the workers", () => {
  it("the workers scale from zero to the maximum of instances, and by no target", () => {
    template.hasResourceProperties("AWS::ApplicationAutoScaling::ScalableTarget", {
      ServiceNamespace: "ecs",
      ScalableDimension: "ecs:service:DesiredCount",
      MinCapacity: 0,
      MaxCapacity: 20,
    });
    template.allResourcesProperties("AWS::ApplicationAutoScaling::ScalingPolicy", {
      PolicyType: "StepScaling",
    });
  });

  it("a job that waits starts a worker within a minute, and a longer backlog more of them", () => {
    expect(alarmOf("Out")).toMatchObject({
      Namespace: "AWS/SQS",
      MetricName: "ApproximateNumberOfMessagesVisible",
      Threshold: 1,
      Period: 60,
      EvaluationPeriods: 1,
    });
    const { StepAdjustments: steps, AdjustmentType: type } = policyOf("Out");
    expect(type).toBe("ChangeInCapacity");
    expect(
      steps.map(({ ScalingAdjustment: add, MetricIntervalLowerBound: from }: Record<string, number>) => [
        from! + 1,
        add,
      ]),
    ).toEqual([
      [1, 1],
      [5, 2],
      [9, 4],
      [17, 8],
      [33, 16],
      [65, 20],
    ]);
    // The steps leave no gap and do not overlap.
    for (const [index, { MetricIntervalUpperBound: to }] of steps.entries())
      expect(to).toBe(steps[index + 1]?.MetricIntervalLowerBound);
  });

  it("only workers that have nothing to do are counted for removal, one by one", () => {
    expect(policyOf("In")).toMatchObject({
      AdjustmentType: "ChangeInCapacity",
      StepAdjustments: [{ ScalingAdjustment: -1, MetricIntervalLowerBound: 0 }],
    });
    expect(policyOf("In").Cooldown).toBeGreaterThanOrEqual(180);
    expect(metricOf("In", "expr_1").Expression).toBe(
      "IF(FILL(waiting, 0) > 0, 0, FILL(reports, 0) - FILL(held, 0))",
    );
    expect(metricOf("In", "held").MetricStat.Metric.MetricName).toBe("ApproximateNumberOfMessagesNotVisible");
    expect(metricOf("In", "reports").MetricStat).toMatchObject({ Stat: "SampleCount", Period: 60 });
    expect(alarmOf("In")).toMatchObject({ EvaluationPeriods: 7, TreatMissingData: "notBreaching" });
  });

  it("a single worker needs no removal one by one", () => {
    expect(alarmOf("In", single)).toBeUndefined();
    expect(alarmOf("Sleep", single)).toBeDefined();
  });

  it("all workers go after the idle minutes without a job, even if no metric has data", () => {
    expect(policyOf("Sleep")).toMatchObject({
      AdjustmentType: "ExactCapacity",
      StepAdjustments: [{ ScalingAdjustment: 0, MetricIntervalUpperBound: 0 }],
    });
    expect(alarmOf("Sleep")).toMatchObject({
      Threshold: 0,
      ComparisonOperator: "LessThanOrEqualToThreshold",
      EvaluationPeriods: 7,
      TreatMissingData: "breaching",
    });
    expect(metricOf("Sleep", "unfinished").MetricStat.Metric).toMatchObject({
      Namespace: "Adareel",
      Dimensions: [{ Name: "Deployment", Value: "adareel" }],
    });
  });

  it("the pause after a start is over before the workers may go", () => {
    expect(policyOf("Out").Cooldown).toBeLessThanOrEqual(7 * 60);
  });

  it("every metric of the workers is that of the service and the queue that the deployment makes", () => {
    const text = JSON.stringify([alarmOf("Out"), alarmOf("In"), alarmOf("Sleep")]);
    const [service] = Object.keys(template.findResources("AWS::ECS::Service"));
    const queues = [...text.matchAll(/"QueueName","Value":\{"Fn::GetAtt":\["(\w+)"/g)].map(([, id]) => id);
    expect(new Set(queues)).toEqual(new Set([expect.stringMatching(/^WorkersRunsQueue/)]));
    expect(text).toContain(`{"Name":"ServiceName","Value":{"Fn::GetAtt":["${service}","Name"]}}`);
  });
});
