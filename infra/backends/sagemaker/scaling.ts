import { Duration } from "aws-cdk-lib";
import { type IMetric, MathExpression } from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import type { DeploymentConfig } from "../../config.ts";
import { unfinishedJobs } from "../../metrics.ts";
import { StepScaling } from "../step-scaling.ts";
import type { GpuEndpoint } from "./endpoint.ts";
import { queueMetric } from "./metrics.ts";
import { scaleOutRules } from "./scaling-rules.ts";

export interface GpuScalingProps {
  readonly config: DeploymentConfig;
  readonly endpoint: GpuEndpoint;
}

const MINUTE = Duration.minutes(1);

/**
 * Scales the instances from 0 to `instancesMax` by three policies: Wake, Grow and Sleep. Target tracking is not used,
 * because it can remove an instance that is running a job. Sleep removes all instances at once, when there are no jobs.
 */
export class GpuScaling extends StepScaling {
  constructor(scope: Construct, id: string, { config, endpoint }: GpuScalingProps) {
    const { name, instancesMax, idleMinutes } = config;
    super(scope, id, {
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
    this.sleep(idleMinutes, {
      text: "stops all instances when there is no job; in alarm as long as there is none",
      metric: new MathExpression({
        // The first term has values while there are instances, the second while there are none, so a request that
        // wakes the endpoint also ends this alarm in the same minute. The third is our own count of jobs, for a running
        // job that SageMaker's queue no longer counts. The sweep reports it every other minute, hence FILL.
        expression: "FILL(perInstance, 0) + FILL(waiting, 0) + FILL(unfinished, 0)",
        usingMetrics: { perInstance, waiting, unfinished: unfinishedJobs(name, MINUTE) },
        period: MINUTE,
        label: "Work left",
      }),
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
