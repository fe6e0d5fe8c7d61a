import { SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import * as z from "zod";
import { ConfigError, type Values } from "../../shared/environment.ts";
import type { Clock } from "../../shared/ports.ts";
import type { Backend, BackendKind } from "./backend.ts";
import { httpBackend } from "./http.ts";
import { sageMakerBackend, sageMakerKind } from "./sagemaker.ts";

/** Environment variables that name a backend, for the functions that submit jobs or look for lost ones. */
export const backendVariables = {
  ENDPOINT_NAME: z.string().optional(),
  GPU_URL: z.url({ protocol: /^https?$/, error: "must be a URL such as http://gpu:8080" }).optional(),
};

interface Store {
  readonly STORE: string;
}

/** Opens the backend that the environment names. Only this and {@link openBackendKind} choose one. */
export function openBackend(
  { STORE, ENDPOINT_NAME, GPU_URL }: Values<typeof backendVariables> & Store,
  clock: Clock,
): Backend {
  if (GPU_URL) return httpBackend(GPU_URL);
  if (!ENDPOINT_NAME) throw new ConfigError("ENDPOINT_NAME is needed: the name of the SageMaker endpoint.");
  const client = new SageMakerRuntimeClient({});
  return sageMakerBackend({ client, endpointName: ENDPOINT_NAME, storeUrl: STORE, clock });
}

/** Returns the kind of backend whose runs the environment's messages tell of. */
export function openBackendKind({ STORE }: Store): BackendKind {
  return sageMakerKind(STORE);
}
