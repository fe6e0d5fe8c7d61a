import { Match, type Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { sageMaker } from "../../tools/plan/backends/sagemaker.ts";
import { scaler } from "../../tools/plan/scaling.ts";
import { templateOf } from "./deployment.ts";

const template = templateOf("gpu", { instancesMax: "3", idleMinutes: "7", scaling: "steady" });
const byBacklog = templateOf("gpu", { instancesMax: "20", scaling: "backlog" });
const [endpoint] = Object.entries(template.findResources("AWS::SageMaker::Endpoint"));
const [endpointId, { Properties: properties }] = endpoint!;
const { EndpointName: endpointName } = properties;

/** Returns the scaling policy that an alarm invokes. */
function policyOf(id: string, from = template) {
  const [alarm] = alarmsOf(id, from);
  const [{ Ref: policyId }] = alarm!.AlarmActions;
  const policy = from.findResources("AWS::ApplicationAutoScaling::ScalingPolicy")[policyId];
  return policy!.Properties.StepScalingPolicyConfiguration;
}

function alarmsOf(id: string, from = template) {
  return Object.entries(from.findResources("AWS::CloudWatch::Alarm"))
    .filter(([name]) => name.startsWith(`Scaling${id}`))
    .map(([, { Properties }]) => Properties);
}

/** Metric of an alarm with an expression. */
interface Term {
  readonly Expression: string;
  readonly MetricStat: {
    readonly Metric: {
      readonly MetricName: string;
      readonly Dimensions: readonly { readonly Name: string }[];
    };
    readonly Stat: string;
    readonly Period: number;
  };
}

/** Returns the number of instances that Application Auto Scaling documents for a policy whose alarm rings or not. */
function scaledByAws(
  from: Template,
  id: string,
  { metric, instances }: { readonly metric: number; readonly instances: number },
): number {
  const [{ Threshold }] = alarmsOf(id, from) as [{ Threshold: number }];
  if (metric < Threshold) return instances;
  const { AdjustmentType, StepAdjustments } = policyOf(id, from);
  const breach = metric - Threshold;
  const [{ ScalingAdjustment }, ...others] = StepAdjustments.filter(
    (step: { MetricIntervalLowerBound?: number; MetricIntervalUpperBound?: number }) =>
      breach >= (step.MetricIntervalLowerBound ?? Number.NEGATIVE_INFINITY) &&
      breach < (step.MetricIntervalUpperBound ?? Number.POSITIVE_INFINITY),
  );
  expect(others).toEqual([]);
  if (AdjustmentType === "ChangeInCapacity") return instances + ScalingAdjustment;
  expect(AdjustmentType).toBe("PercentChangeInCapacity");
  // Rounded down above 1, and up to 1 below it.
  const change = (instances * ScalingAdjustment) / 100;
  return instances + (change > 1 ? Math.floor(change) : Math.ceil(change));
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

describe("scaling by backlog", () => {
  it("instances are started from zero by the requests that wait, and one if SageMaker does not count them", () => {
    const [{ Metrics, ...alarm }] = alarmsOf("Wake", byBacklog) as [Record<string, never[]>];
    expect(alarm).toMatchObject({ EvaluationPeriods: 1, Threshold: 1, TreatMissingData: "notBreaching" });
    const [count, ...terms] = Metrics as unknown as Term[];
    expect(count!.Expression).toBe("IF(waiting > 0, MAX([waiting, FILL(requests, 0)]), 0)");
    expect(
      terms.map(({ MetricStat: { Metric, Stat, Period } }) => [Metric.MetricName, Stat, Period]),
    ).toEqual([
      ["HasBacklogWithoutCapacity", "Maximum", 60],
      ["ApproximateBacklogSize", "Maximum", 60],
    ]);
    for (const { MetricStat } of terms) expect(MetricStat.Metric.Dimensions[0]!.Name).toBe("EndpointName");
  });

  it("a deployment of one instance scales by the same policies, whichever way was chosen", () => {
    const policies = (scaling: string) =>
      templateOf("gpu", { scaling }).findResources("AWS::ApplicationAutoScaling::ScalingPolicy");
    expect(policies("backlog")).toEqual(policies("steady"));
  });

  it.each([
    ["steady", template, { instancesMax: 3, idleMinutes: 7 }],
    ["backlog", byBacklog, { instancesMax: 20, idleMinutes: 5 }],
  ] as const)(
    "the plan adds as many instances as the policies of the template: %s",
    (scaling, from, chosen) => {
      for (const instances of [0, 1, 2, 3, 5, 9, 20].filter((count) => count <= chosen.instancesMax)) {
        for (const backlog of [0, 1, 2, 3, 5, 8, 16, 20, 31, 32, 50, 64, 100, 300, 1000]) {
          const id = instances === 0 ? "Wake" : "Grow";
          const running = Math.min(backlog, instances);
          const minute = {
            running,
            waiting: backlog - running,
            hadWork: true,
            inService: instances,
            starting: 0,
          };
          const decide = scaler(sageMaker.rules({ ...chosen, scaling }));
          const [{ EvaluationPeriods }] = alarmsOf(id, from) as [{ EvaluationPeriods: number }];
          const decided = Array.from({ length: EvaluationPeriods }, () => decide(minute)).map(
            (wanted) => wanted ?? instances,
          );
          const metric = instances === 0 ? backlog : backlog / instances;
          const scaled = Math.min(chosen.instancesMax, scaledByAws(from, id, { metric, instances }));
          expect([...decided.slice(0, -1)]).toEqual(Array(EvaluationPeriods - 1).fill(instances));
          expect(decided.at(-1), `${backlog} jobs, ${instances} instances`).toBe(scaled);
        }
      }
      const cooldown = (id: string) => policyOf(id, from).Cooldown;
      const { adding } = sageMaker.rules({ ...chosen, scaling });
      expect([cooldown("Wake"), cooldown("Grow")]).toEqual(adding.map((policy) => policy.cooldownSeconds));
    },
  );
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
