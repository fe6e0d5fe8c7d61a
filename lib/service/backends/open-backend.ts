import { SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import { needed, type Values } from "../../shared/environment.ts";
import type { Clock } from "../../shared/ports.ts";
import type { Backend, BackendKind } from "./backend.ts";
import { sageMakerBackend, sageMakerKind } from "./sagemaker.ts";

/** Environment variables that choose a backend, for the functions that submit jobs or look for lost jobs. */
export const backendVariables = {
  ENDPOINT_NAME: needed("the name of the SageMaker endpoint"),
};

interface Store {
  readonly STORE: string;
}

/** Opens the backend that the environment chooses. Only this and {@link openBackendKind} make that choice. */
export function openBackend(
  { STORE, ENDPOINT_NAME }: Values<typeof backendVariables> & Store,
  clock: Clock,
): Backend {
  const client = new SageMakerRuntimeClient({});
  return sageMakerBackend({ client, endpointName: ENDPOINT_NAME, storeUrl: STORE, clock });
}

/** Returns the kind of backend that the environment chooses, which parses the messages about ended runs. */
export function openBackendKind({ STORE }: Store): BackendKind {
  return sageMakerKind(STORE);
}
