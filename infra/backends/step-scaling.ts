import {
  CfnScalableTarget,
  type CfnScalableTargetProps,
  CfnScalingPolicy,
} from "aws-cdk-lib/aws-applicationautoscaling";
import {
  Alarm,
  ComparisonOperator,
  type CreateAlarmOptions,
  type IMetric,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { Construct } from "constructs";
import type { ScaleOutRule } from "./scaling-rules.ts";

export interface ScalingPolicy {
  /** Description of the policy, for people who see its alarm in the console; begins with a verb. */
  readonly text: string;
  readonly change: "ChangeInCapacity" | "PercentChangeInCapacity" | "ExactCapacity";
  readonly cooldownSeconds: number;
  /** Steps, whose bounds are relative to the alarm's threshold. */
  readonly steps: readonly CfnScalingPolicy.StepAdjustmentProperty[];
  readonly metric: IMetric;
  readonly alarm: CreateAlarmOptions;
}

/** Number of instances or tasks that step policies change, each of which has an alarm that sets it off. */
export class StepScaling extends Construct {
  protected readonly target: CfnScalableTarget;

  constructor(scope: Construct, id: string, target: CfnScalableTargetProps) {
    super(scope, id);
    this.target = new CfnScalableTarget(this, "Target", target);
  }

  /** Adds a policy that starts what a rule says. */
  protected scaleOut(
    id: string,
    { steps, minutes, cooldownSeconds, unit }: ScaleOutRule,
    { text, metric }: Pick<ScalingPolicy, "text" | "metric">,
  ): void {
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

  /** Adds a policy that stops all after so many minutes without work, by a metric that is 0 without any. */
  protected sleep(minutes: number, { text, metric }: Pick<ScalingPolicy, "text" | "metric">): void {
    this.scale("Sleep", {
      text,
      metric,
      change: "ExactCapacity",
      steps: [{ scalingAdjustment: 0, metricIntervalUpperBound: 0 }],
      cooldownSeconds: 0,
      alarm: {
        threshold: 0,
        comparisonOperator: ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: minutes,
        // If all metrics are missing, no GPU may be left running. Where none runs this changes nothing, and the next
        // job ends the alarm.
        treatMissingData: TreatMissingData.BREACHING,
      },
    });
  }

  protected scale(id: string, { text, change, steps, cooldownSeconds, metric, alarm }: ScalingPolicy): void {
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
