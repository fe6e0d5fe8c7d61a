import type { Stack } from "aws-cdk-lib";
import { Subscription, SubscriptionProtocol } from "aws-cdk-lib/aws-sns";
import type { DeploymentConfig } from "../../config.ts";
import type { HintQueue } from "../../hint-queue.ts";
import { GpuImage } from "../../image/gpu-image.ts";
import type { BackendConstructs } from "../backend.ts";
import { GpuEndpoint } from "./endpoint.ts";
import { endpointGraphs } from "./graphs.ts";
import { GpuScaling } from "./scaling.ts";
import { costTroubles, jobTroubles } from "./troubles.ts";

/** Adds a SageMaker asynchronous endpoint with its image and its scaling to a stack. */
export function makeSageMaker(stack: Stack, config: DeploymentConfig): BackendConstructs {
  const image = new GpuImage(stack, "Image", { config });
  const endpoint = new GpuEndpoint(stack, "Endpoint", { config, image });
  new GpuScaling(stack, "Scaling", { config, endpoint });
  return {
    variables: { ENDPOINT_NAME: endpoint.endpointName },
    resource: endpoint.resource,
    grantSubmit: (role) => endpoint.grantInvoke(role),
    // Nobody can ask an endpoint.
    grantWatch: () => undefined,
    tellEnds: (events) => tell(events, endpoint),
    jobTroubles: jobTroubles(endpoint),
    costTroubles: costTroubles(config, endpoint),
    graphs: endpointGraphs(config, endpoint),
    outputs: { EndpointName: endpoint.endpointName },
  };
}

/** Sends SageMaker's notifications of an endpoint's invocations to the queue, without the SNS envelope. */
function tell(events: HintQueue, { successes, failures }: GpuEndpoint): void {
  for (const topic of [successes, failures]) {
    events.acceptFrom("sns", topic.topicArn);
    new Subscription(topic, "Events", {
      topic,
      protocol: SubscriptionProtocol.SQS,
      endpoint: events.queue.queueArn,
      rawMessageDelivery: true,
      deadLetterQueue: events.deadLetters,
    });
  }
}
