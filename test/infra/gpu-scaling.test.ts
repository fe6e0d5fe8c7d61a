import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { templateOf } from "./deployment.ts";

const template = templateOf("gpu", { instancesMax: "3", idleMinutes: "7" });
const [endpoint] = Object.entries(template.findResources("AWS::SageMaker::Endpoint"));
const [endpointId, { Properties: properties }] = endpoint!;
const { EndpointName: endpointName } = properties;

/** Returns the scaling policy that an alarm invokes. */
function policyOf(id: string): Record<string, unknown> {
  const [alarm] = alarmsOf(id);
  const [{ Ref: policyId }] = alarm!.AlarmActions;
  const policy = template.findResources("AWS::ApplicationAutoScaling::ScalingPolicy")[policyId];
  return policy!.Properties.StepScalingPolicyConfiguration;
}

function alarmsOf(id: string, from = template) {
  return Object.entries(from.findResources("AWS::CloudWatch::Alarm"))
    .filter(([name]) => name.startsWith(`Scaling${id}`))
    .map(([, { Properties }]) => Properties);
}

const ofEndpoint = [{ Name: "EndpointName", Value: endpointName }];

describe("the endpoint", () => {
  it("the endpoint scales from zero to the maximum of instances", () => {
    template.hasResource("AWS::ApplicationAutoScaling::ScalableTarget", {
      Properties: {
        ServiceNamespace: "sagemaker",
        ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
        ResourceId: `endpoint/${endpointName}/variant/gpu`,
        MinCapacity: 0,
        MaxCapacity: 3,
      },
      DependsOn: Match.arrayWith([endpointId]),
    });
  });

  it("the endpoint never tracks a target, which would remove busy instances", () => {
    template.allResourcesProperties("AWS::ApplicationAutoScaling::ScalingPolicy", {
      PolicyType: "StepScaling",
    });
  });

  it("the endpoint is only ever scaled in to zero, never by some of its instances", () => {
    for (const id of ["Wake", "Grow"])
      expect(policyOf(id)).toMatchObject({
        AdjustmentType: "ChangeInCapacity",
        StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
      });
    expect(policyOf("Sleep")).toMatchObject({
      AdjustmentType: "ExactCapacity",
      StepAdjustments: [{ MetricIntervalUpperBound: 0, ScalingAdjustment: 0 }],
    });
    template.resourceCountIs("AWS::ApplicationAutoScaling::ScalingPolicy", 3);
  });
});

describe("waking", () => {
  it("scaling from zero needs a minute in which a request waits without an instance", () => {
    expect(alarmsOf("Wake")).toEqual([
      expect.objectContaining({
        Namespace: "AWS/SageMaker",
        MetricName: "HasBacklogWithoutCapacity",
        Dimensions: ofEndpoint,
        Statistic: "Maximum",
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 1,
        ComparisonOperator: "GreaterThanOrEqualToThreshold",
        TreatMissingData: "notBreaching",
      }),
    ]);
  });

  it.each([
    ["3", 180],
    ["5", 300],
    ["60", 300],
  ])(
    "scaling from zero has a cooldown that ends before the endpoint can sleep, after %s idle minutes",
    (idleMinutes, cooldown) => {
      templateOf("gpu", { idleMinutes }).hasResourceProperties("AWS::ApplicationAutoScaling::ScalingPolicy", {
        PolicyName: "Wake",
        StepScalingPolicyConfiguration: Match.objectLike({ Cooldown: cooldown }),
      });
    },
  );
});

describe("growing", () => {
  it("scaling out needs three minutes with two requests for each instance, and has a cooldown", () => {
    expect(alarmsOf("Grow")).toEqual([
      expect.objectContaining({
        MetricName: "ApproximateBacklogSizePerInstance",
        Dimensions: ofEndpoint,
        Period: 60,
        EvaluationPeriods: 3,
        Threshold: 2,
        ComparisonOperator: "GreaterThanOrEqualToThreshold",
        TreatMissingData: "notBreaching",
      }),
    ]);
    expect(policyOf("Grow")).toMatchObject({ Cooldown: 900 });
  });

  it("scaling out does not exist where one instance is the maximum", () => {
    const one = templateOf("gpu");
    expect(alarmsOf("Grow", one)).toEqual([]);
    one.resourceCountIs("AWS::ApplicationAutoScaling::ScalingPolicy", 2);
  });
});

describe("sleeping", () => {
  const [alarm] = alarmsOf("Sleep");

  it("scaling to zero needs all idle minutes without a request in SageMaker's queue and without a job of ours", () => {
    expect(alarm).toMatchObject({
      EvaluationPeriods: 7,
      Threshold: 0,
      ComparisonOperator: "LessThanOrEqualToThreshold",
    });
    expect(alarm!.DatapointsToAlarm ?? 7).toBe(7);
    const [sum, ...terms] = alarm!.Metrics;
    expect(sum.Expression).toBe("FILL(perInstance, 0) + FILL(waiting, 0) + FILL(unfinished, 0)");
    const metric = ({ Id, MetricStat }: (typeof terms)[number]) => [
      Id,
      MetricStat.Metric.Namespace,
      MetricStat.Metric.MetricName,
      MetricStat.Metric.Dimensions,
      MetricStat.Stat,
      MetricStat.Period,
    ];
    expect(terms.map(metric)).toEqual([
      ["perInstance", "AWS/SageMaker", "ApproximateBacklogSizePerInstance", ofEndpoint, "Maximum", 60],
      ["waiting", "AWS/SageMaker", "HasBacklogWithoutCapacity", ofEndpoint, "Maximum", 60],
      ["unfinished", "Adareel", "UnfinishedJobs", [{ Name: "Deployment", Value: "adareel" }], "Maximum", 60],
    ]);
  });

  it("scaling to zero happens without data, too: silence leaves no GPU running", () => {
    expect(alarm!.TreatMissingData).toBe("breaching");
  });

  it("scaling to zero includes the metric that wakes the endpoint", () => {
    const [wake] = alarmsOf("Wake");
    const names = alarm!.Metrics.map(
      (term: { MetricStat?: { Metric: { MetricName: string } } }) => term.MetricStat?.Metric.MetricName,
    );
    expect(names).toContain(wake!.MetricName);
  });
});
