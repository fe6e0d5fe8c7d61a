import { Duration } from "aws-cdk-lib";
import { CfnScalableTarget, CfnScalingPolicy } from "aws-cdk-lib/aws-applicationautoscaling";
import {
  Alarm,
  ComparisonOperator,
  type CreateAlarmOptions,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { Construct } from "constructs";
import type { DeploymentConfig } from "../../config.ts";
import { unfinishedJobs } from "../../metrics.ts";
import type { ScaleOutRule } from "../scaling-rules.ts";
import type { GpuEndpoint } from "./endpoint.ts";
import { queueMetric } from "./metrics.ts";
import { scaleOutRules } from "./scaling-rules.ts";

export interface GpuScalingProps {
  readonly config: DeploymentConfig;
  readonly endpoint: GpuEndpoint;
}

const MINUTE = Duration.minutes(1);

interface Policy {
  /** Description of the policy, for people who see its alarm in the console; begins with a verb. */
  readonly text: string;
  readonly change: "ChangeInCapacity" | "PercentChangeInCapacity" | "ExactCapacity";
  readonly cooldownSeconds: number;
  /** Steps, whose bounds are relative to the alarm's threshold. */
  readonly steps: readonly CfnScalingPolicy.StepAdjustmentProperty[];
  readonly metric: IMetric;
  readonly alarm: CreateAlarmOptions;
}

/**
 * Scales the instances from 0 to `instancesMax` by three policies: Wake, Grow and Sleep. Target tracking is not used,
 * because it can remove an instance that is running a job. Sleep removes all instances at once, when there are no jobs.
 */
export class GpuScaling extends Construct {
  private readonly target: CfnScalableTarget;

  constructor(scope: Construct, id: string, { config, endpoint }: GpuScalingProps) {
    super(scope, id);
    const { name, instancesMax, idleMinutes } = config;
    this.target = new CfnScalableTarget(this, "Target", {
      serviceNamespace: "sagemaker",
      scalableDimension: "sagemaker:variant:DesiredInstanceCount",
      resourceId: `endpoint/${endpoint.endpointName}/variant/${endpoint.variantName}`,
      minCapacity: 0,
      maxCapacity: instancesMax,
    });
    this.target.node.addDependency(endpoint.resource);

    // The only metric that exists without instances for certain: 1 while requests wait and there is none, else 0.
    const waiting = queueMetric(endpoint, "HasBacklogWithoutCapacity");
    // Waiting and running requests per instance. It does not exist without instances. With idle instances it must be
    // 0: AWS documents target tracking to zero with this metric, which would not work otherwise.
    const perInstance = queueMetric(endpoint, "ApproximateBacklogSizePerInstance");
    const { wake, grow } = scaleOutRules(config);

    this.scaleOut("Wake", wake, {
      text: "starts instances when jobs wait and there is none",
      metric: wake.steps.length === 1 ? waiting : waitingRequests(endpoint, waiting),
    });
    if (grow)
      this.scaleOut("Grow", grow, {
        text: "starts more instances when there are two jobs or more for each",
        metric: perInstance,
      });
    this.scale("Sleep", {
      text: "stops all instances when there is no job; in alarm as long as there is none",
      change: "ExactCapacity",
      steps: [{ scalingAdjustment: 0, metricIntervalUpperBound: 0 }],
      cooldownSeconds: 0,
      metric: new MathExpression({
        // The first term has values while there are instances, the second while there are none, so a request that
        // wakes the endpoint also ends this alarm in the same minute. The third is our own count of jobs, for a running
        // job that SageMaker's queue no longer counts. The sweep reports it every other minute, hence FILL.
        expression: "FILL(perInstance, 0) + FILL(waiting, 0) + FILL(unfinished, 0)",
        usingMetrics: { perInstance, waiting, unfinished: unfinishedJobs(name, MINUTE) },
        period: MINUTE,
        label: "Work left",
      }),
      alarm: {
        threshold: 0,
        comparisonOperator: ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: idleMinutes,
        // If all three metrics are missing, no GPU may be left running. Without instances this changes nothing, and
        // the next job ends the alarm.
        treatMissingData: TreatMissingData.BREACHING,
      },
    });
  }

  private scaleOut(id: string, rule: ScaleOutRule, { text, metric }: Pick<Policy, "text" | "metric">): void {
    const { steps, minutes, cooldownSeconds, unit } = rule;
    const [{ from: threshold }] = steps;
    this.scale(id, {
      text,
      metric,
      change: unit === "instances" ? "ChangeInCapacity" : "PercentChangeInCapacity",
      cooldownSeconds,
      steps: steps.map(({ from, add }, index) => {
        const next = steps[index + 1];
        return {
          scalingAdjustment: add,
          metricIntervalLowerBound: from - threshold,
          ...(next && { metricIntervalUpperBound: next.from - threshold }),
        };
      }),
      alarm: {
        threshold,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: minutes,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      },
    });
  }

  private scale(id: string, { text, change, steps, cooldownSeconds, metric, alarm }: Policy): void {
    const policy = new CfnScalingPolicy(this, `${id}Policy`, {
      policyName: id,
      policyType: "StepScaling",
      scalingTargetId: this.target.ref,
      stepScalingPolicyConfiguration: {
        adjustmentType: change,
        cooldown: cooldownSeconds,
        metricAggregationType: "Maximum",
        stepAdjustments: [...steps],
      },
    });
    const alarmDescription = `Scaling, not a fault: ${text}. There is nothing to do.`;
    new Alarm(this, id, { metric, alarmDescription, ...alarm }).addAlarmAction({
      bind: () => ({ alarmActionArn: policy.ref }),
    });
  }
}

/**
 * Returns the number of requests that wait while there is no instance. Whether SageMaker counts its queue without an
 * instance is not documented. If it does not, this is 1, and the endpoint starts with one instance.
 */
function waitingRequests(endpoint: GpuEndpoint, waiting: IMetric): IMetric {
  return new MathExpression({
    expression: "IF(waiting > 0, MAX([waiting, FILL(requests, 0)]), 0)",
    usingMetrics: { waiting, requests: queueMetric(endpoint, "ApproximateBacklogSize") },
    period: MINUTE,
    label: "Requests without an instance",
  });
}
