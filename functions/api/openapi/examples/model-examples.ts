import { modelView } from "../../routes/models.ts";
import type { Deployment, OperationExamples } from "./example.ts";

/** Makes the examples of the operations on models: real answers of this deployment. */
export function modelExamples(
  { models }: Deployment,
  version: string,
): Readonly<Record<string, OperationExamples>> {
  const data = models.map(modelView);
  return {
    listModels: { answers: { models: { summary: "The models", value: { object: "list", data } } } },
    getModel: { answers: { model: { summary: "The model", value: data[0] } } },
    getHealth: {
      answers: {
        healthy: { summary: "It answers", value: { status: "ok", version } },
        degraded: {
          summary: "It answers, and no video is made",
          value: { status: "degraded", version, reason: "The GPU function is being started." },
        },
      },
    },
  };
}
