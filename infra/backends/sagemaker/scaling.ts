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
import type { GpuEndpoint } from "./endpoint.ts";
import { queueMetric } from "./metrics.ts";

export interface GpuScalingProps {
  readonly config: DeploymentConfig;
  readonly endpoint: GpuEndpoint;
}

const WAKE_COOLDOWN_SECONDS = 300;

/** Longer than an instance takes to come, so that one backlog does not call for two. */
const GROW_COOLDOWN_SECONDS = 900;

const MINUTE = Duration.minutes(1);

interface Policy {
  readonly change: "ChangeInCapacity" | "ExactCapacity";
  readonly amount: number;
  readonly cooldownSeconds: number;
  readonly metric: IMetric;
  readonly alarm: CreateAlarmOptions;
}

/**
 * Instances from none to `instancesMax`, by three policies. There is no target tracking, which takes away one of two
 * half-idle instances without looking which of them works: here all go at once, when nothing is left to do, or none.
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

    // The only metric that says something at no instances: 1 while requests wait and nobody is there, or 0.
    const waiting = queueMetric(endpoint, "HasBacklogWithoutCapacity");
    // Those that wait and those that run, for each instance. It does not exist at no instances; with some, it is 0
    // while they are idle, or the target tracking to zero that AWS describes with it could not work.
    const perInstance = queueMetric(endpoint, "ApproximateBacklogSizePerInstance");

    this.scale("Wake", {
      change: "ChangeInCapacity",
      amount: 1,
      // Over before Sleep can come, or it would hold back the next job's instance.
      cooldownSeconds: Math.min(WAKE_COOLDOWN_SECONDS, idleMinutes * 60),
      metric: waiting,
      alarm: above(1, { minutes: 1 }),
    });
    if (instancesMax > 1)
      this.scale("Grow", {
        change: "ChangeInCapacity",
        amount: 1,
        cooldownSeconds: GROW_COOLDOWN_SECONDS,
        metric: perInstance,
        alarm: above(2, { minutes: 3 }),
      });
    this.scale("Sleep", {
      change: "ExactCapacity",
      amount: 0,
      cooldownSeconds: 0,
      metric: new MathExpression({
        // The first term speaks while there are instances, the second while there are none, so that what wakes the
        // endpoint ends its sleep in the same minute. The third is our own count of jobs, for a job that runs and of
        // which SageMaker's queue has forgotten; the sweep tells of it every other minute, hence FILL.
        expression: "FILL(perInstance, 0) + FILL(waiting, 0) + FILL(unfinished, 0)",
        usingMetrics: { perInstance, waiting, unfinished: unfinishedJobs(name, MINUTE) },
        period: MINUTE,
        label: "Work left",
      }),
      alarm: {
        threshold: 0,
        comparisonOperator: ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: idleMinutes,
        // Silence of all three must not leave a GPU running: at no instances it changes nothing, and jobs end it.
        treatMissingData: TreatMissingData.BREACHING,
      },
    });
  }

  private scale(id: string, { change, amount, cooldownSeconds, metric, alarm }: Policy): void {
    const isUpward = amount > 0;
    const policy = new CfnScalingPolicy(this, `${id}Policy`, {
      policyName: id,
      policyType: "StepScaling",
      scalingTargetId: this.target.ref,
      stepScalingPolicyConfiguration: {
        adjustmentType: change,
        cooldown: cooldownSeconds,
        metricAggregationType: "Maximum",
        stepAdjustments: [
          {
            scalingAdjustment: amount,
            // Relative to the alarm's threshold.
            ...(isUpward ? { metricIntervalLowerBound: 0 } : { metricIntervalUpperBound: 0 }),
          },
        ],
      },
    });
    new Alarm(this, id, { metric, ...alarm }).addAlarmAction({
      bind: () => ({ alarmActionArn: policy.ref }),
    });
  }
}

function above(threshold: number, { minutes }: { readonly minutes: number }): CreateAlarmOptions {
  return {
    threshold,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: minutes,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  };
}
