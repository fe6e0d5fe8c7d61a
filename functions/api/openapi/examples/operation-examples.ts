import type { Deployment, OperationExamples } from "./example.ts";
import { modelExamples } from "./model-examples.ts";
import { triggerExamples } from "./trigger-examples.ts";
import { videoExamples } from "./video-examples.ts";
import { webhookExamples } from "./webhook-examples.ts";

/** Makes the examples of all operations for a deployment, by the id of the operation. */
export function operationExamples(
  deployment: Deployment,
  version: string,
): Readonly<Record<string, OperationExamples>> {
  return {
    ...videoExamples(deployment),
    ...webhookExamples,
    ...triggerExamples,
    ...modelExamples(deployment, version),
  };
}
