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
import { heldRuns, taskReports, waitingRuns } from "./metrics.ts";
import { IN_COOLDOWN_SECONDS, scaleOutRule } from "./scaling-rules.ts";
import type { WorkerService } from "./worker-service.ts";

export interface WorkerScalingProps {
  readonly config: DeploymentConfig;
  readonly workers: WorkerService;
}

const MINUTE = Duration.minutes(1);

interface Policy {
  /** Description of the policy, for people who see its alarm in the console; begins with a verb. */
  readonly text: string;
  readonly change: "ChangeInCapacity" | "ExactCapacity";
  readonly cooldownSeconds: number;
  /** Steps, whose bounds are relative to the alarm's threshold. */
  readonly steps: readonly CfnScalingPolicy.StepAdjustmentProperty[];
  readonly metric: IMetric;
  readonly alarm: CreateAlarmOptions;
}

/**
 * Scales the tasks from 0 to `instancesMax` by three policies: Out, In and Sleep. ECS may stop any task that is not
 * protected, and a worker protects its task while it works, so that a running job is never ended by them.
 */
export class WorkerScaling extends Construct {
  private readonly target: CfnScalableTarget;

  constructor(scope: Construct, id: string, { config, workers }: WorkerScalingProps) {
    super(scope, id);
    this.target = new CfnScalableTarget(this, "Target", {
      serviceNamespace: "ecs",
      scalableDimension: "ecs:service:DesiredCount",
      resourceId: `service/${workers.clusterName}/${workers.serviceName}`,
      minCapacity: 0,
      maxCapacity: config.instancesMax,
    });
    this.out(config, workers);
    if (config.instancesMax > 1) this.in(config, workers);
    this.sleep(config, workers);
  }

  /** Adds tasks for the jobs that wait. */
  private out(config: DeploymentConfig, { queue }: WorkerService): void {
    const { steps, minutes, cooldownSeconds } = scaleOutRule(config);
    this.scale("Out", {
      text: "starts workers when jobs wait, more for a longer backlog",
      change: "ChangeInCapacity",
      cooldownSeconds,
      steps: steps.map(({ from, add }, index) => {
        const next = steps[index + 1];
        return {
          scalingAdjustment: add,
          metricIntervalLowerBound: from - 1,
          ...(next && { metricIntervalUpperBound: next.from - 1 }),
        };
      }),
      metric: waitingRuns(queue),
      alarm: {
        threshold: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: minutes,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      },
    });
  }

  /**
   * Removes one task after another while more run than work. A number of tasks below that of the working ones would
   * keep ECS from starting one for the next job, hence the comparison.
   */
  private in({ idleMinutes }: DeploymentConfig, { queue, ...names }: WorkerService): void {
    this.scale("In", {
      text: "stops a worker when more run than work; in alarm as long as there are such",
      change: "ChangeInCapacity",
      steps: [{ scalingAdjustment: -1, metricIntervalLowerBound: 0 }],
      cooldownSeconds: IN_COOLDOWN_SECONDS,
      metric: new MathExpression({
        expression: "IF(FILL(waiting, 0) > 0, 0, FILL(reports, 0) - FILL(held, 0))",
        usingMetrics: {
          waiting: waitingRuns(queue),
          held: heldRuns(queue),
          reports: taskReports(names, MINUTE),
        },
        period: MINUTE,
        label: "Idle workers",
      }),
      alarm: {
        threshold: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: idleMinutes,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      },
    });
  }

  /** Removes all tasks when there is no job. */
  private sleep({ name, idleMinutes }: DeploymentConfig, { queue }: WorkerService): void {
    this.scale("Sleep", {
      text: "stops all workers when there is no job; in alarm as long as there is none",
      change: "ExactCapacity",
      steps: [{ scalingAdjustment: 0, metricIntervalUpperBound: 0 }],
      cooldownSeconds: 0,
      metric: new MathExpression({
        // A job that waits or runs has a message. The third term is our own count of jobs, for one whose message was
        // lost; the sweep reports it every other minute, hence FILL.
        expression: "FILL(waiting, 0) + FILL(held, 0) + FILL(unfinished, 0)",
        usingMetrics: {
          waiting: waitingRuns(queue),
          held: heldRuns(queue),
          unfinished: unfinishedJobs(name, MINUTE),
        },
        period: MINUTE,
        label: "Work left",
      }),
      alarm: {
        threshold: 0,
        comparisonOperator: ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: idleMinutes,
        // If all three metrics are missing, no GPU may be left running. Without tasks this changes nothing, and the
        // next job ends the alarm.
        treatMissingData: TreatMissingData.BREACHING,
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
