import { SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import { SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod";
import { ConfigError, type Values } from "../../shared/environment.ts";
import type { Clock } from "../../shared/ports.ts";
import type { Backend, BackendKind } from "./backend.ts";
import { runsQueueBackend } from "./runs-queue.ts";
import { sageMakerBackend, sageMakerKind } from "./sagemaker.ts";

/**
 * Environment variables that choose a backend, for the functions that submit jobs or look for lost jobs: one of them.
 */
export const backendVariables = {
  ENDPOINT_NAME: z.string().optional(),
  RUNS_QUEUE_URL: z.string().optional(),
};

interface Store {
  readonly STORE: string;
}

/**
 * Opens the backend that the environment chooses. Only this and {@link openBackendKind} make that choice.
 *
 * @throws ConfigError if it chooses none, or two
 */
export function openBackend(
  { STORE, ENDPOINT_NAME, RUNS_QUEUE_URL }: Values<typeof backendVariables> & Store,
  clock: Clock,
): Backend {
  if (!ENDPOINT_NAME === !RUNS_QUEUE_URL)
    throw new ConfigError(
      "One of ENDPOINT_NAME, a SageMaker endpoint, and RUNS_QUEUE_URL, a queue that workers pull from, is needed.",
    );
  if (RUNS_QUEUE_URL) return runsQueueBackend({ client: new SQSClient({}), url: RUNS_QUEUE_URL });
  const client = new SageMakerRuntimeClient({});
  return sageMakerBackend({ client, endpointName: ENDPOINT_NAME!, storeUrl: STORE, clock });
}

/** Returns the kind of backend whose messages about ended runs are parsed: SageMaker, the only one that sends them. */
export function openBackendKind({ STORE }: Store): BackendKind {
  return sageMakerKind(STORE);
}
