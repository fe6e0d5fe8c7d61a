import { SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import { needed, type Values } from "../../shared/environment.ts";
import type { Clock } from "../../shared/ports.ts";
import type { Backend, BackendKind } from "./backend.ts";
import { sageMakerBackend, sageMakerKind } from "./sagemaker.ts";

/** Environment variables that name a backend, for the functions that submit jobs or look for lost ones. */
export const backendVariables = {
  ENDPOINT_NAME: needed("the name of the SageMaker endpoint"),
};

interface Store {
  readonly STORE: string;
}

/** Opens the backend that the environment names. Only this and {@link openBackendKind} choose one. */
export function openBackend(
  { STORE, ENDPOINT_NAME }: Values<typeof backendVariables> & Store,
  clock: Clock,
): Backend {
  const client = new SageMakerRuntimeClient({});
  return sageMakerBackend({ client, endpointName: ENDPOINT_NAME, storeUrl: STORE, clock });
}

/** Returns the kind of backend whose runs the environment's messages tell of. */
export function openBackendKind({ STORE }: Store): BackendKind {
  return sageMakerKind(STORE);
}
