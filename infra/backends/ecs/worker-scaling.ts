import { Duration } from "aws-cdk-lib";
import { ComparisonOperator, MathExpression, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import type { DeploymentConfig } from "../../config.ts";
import { unfinishedJobs } from "../../metrics.ts";
import { StepScaling } from "../step-scaling.ts";
import { heldRuns, taskReports, waitingRuns } from "./metrics.ts";
import { IN_COOLDOWN_SECONDS, scaleOutRule } from "./scaling-rules.ts";
import type { WorkerService } from "./worker-service.ts";

export interface WorkerScalingProps {
  readonly config: DeploymentConfig;
  readonly workers: WorkerService;
}

const MINUTE = Duration.minutes(1);

/**
 * Scales the tasks from 0 to `instancesMax` by three policies: Out, In and Sleep. ECS may stop any task that is not
 * protected, and a worker protects its task while it works, so that a running job is never ended by them.
 */
export class WorkerScaling extends StepScaling {
  constructor(scope: Construct, id: string, { config, workers }: WorkerScalingProps) {
    super(scope, id, {
      serviceNamespace: "ecs",
      scalableDimension: "ecs:service:DesiredCount",
      resourceId: `service/${workers.clusterName}/${workers.serviceName}`,
      minCapacity: 0,
      maxCapacity: config.instancesMax,
    });
    this.scaleOut("Out", scaleOutRule(config), {
      text: "starts workers when jobs wait, more for a longer backlog",
      metric: waitingRuns(workers.queue),
    });
    if (config.instancesMax > 1) this.scaleIn(config, workers);
    this.sleepWithoutWork(config, workers);
  }

  /**
   * Removes one task after another while more run than work. A number of tasks below that of the working ones would
   * keep ECS from starting one for the next job, hence the comparison.
   */
  private scaleIn({ idleMinutes }: DeploymentConfig, { queue, ...names }: WorkerService): void {
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

  private sleepWithoutWork({ name, idleMinutes }: DeploymentConfig, { queue }: WorkerService): void {
    this.sleep(idleMinutes, {
      text: "stops all workers when there is no job; in alarm as long as there is none",
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
    });
  }
}
