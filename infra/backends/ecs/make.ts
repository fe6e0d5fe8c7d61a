import type { Stack } from "aws-cdk-lib";
import type { DeploymentConfig } from "../../config.ts";
import { GpuImage } from "../../image/gpu-image.ts";
import type { BackendConstructs } from "../backend.ts";
import { workerGraphs } from "./graphs.ts";
import { costTroubles, jobTroubles } from "./troubles.ts";
import { WorkerScaling } from "./worker-scaling.ts";
import { WorkerService } from "./worker-service.ts";

/** Adds workers on ECS Managed Instances with their queue, their image and their scaling to a stack. */
export function makeEcs(stack: Stack, config: DeploymentConfig): BackendConstructs {
  const image = new GpuImage(stack, "Image", { config });
  const workers = new WorkerService(stack, "Workers", { config, image });
  new WorkerScaling(stack, "Scaling", { config, workers });
  return {
    variables: { RUNS_QUEUE_URL: workers.queue.queueUrl },
    resource: workers.runs,
    grantSubmit: (role) => workers.runs.grantSend(role),
    grantWatch: (role) => workers.queue.grant(role, "sqs:GetQueueAttributes"),
    tellEnds: null,
    jobTroubles: jobTroubles(workers),
    costTroubles: costTroubles(config, workers),
    graphs: workerGraphs(workers),
    outputs: {
      RunsQueue: workers.queue.queueUrl,
      RunsDeadLetters: workers.runs.deadLetters.queueUrl,
      Cluster: workers.clusterName,
    },
  };
}
