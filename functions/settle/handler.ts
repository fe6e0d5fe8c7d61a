import { setTimeout as sleep } from "node:timers/promises";
import { openBackendKind } from "../../lib/service/backends/index.ts";
import { functionVariables, messageHandler, openFunction } from "../../lib/service/lambda/index.ts";
import { environmentOf, parseEnvironment } from "../../lib/shared/environment.ts";
import { settle } from "./settle.ts";

const environment = environmentOf("settle", functionVariables);

const variables = parseEnvironment(environment, process.env);
const { log, ...opened } = await openFunction(variables);
const backend = openBackendKind(variables);

/** Handles the backend's messages about runs that have ended. */
export const handler = messageHandler(log, async (body) => {
  const { ref, failure } = backend.outcomeOf(body);
  const { outcome } = await settle({ ...opened, backend, sleep }, { ref, failure });
  log[failure === null ? "info" : "warn"]({ ...ref, outcome, failureReason: failure }, "invocation");
});
