import { setTimeout as sleep } from "node:timers/promises";
import { backendVariables, openBackend } from "../../lib/service/backends/index.ts";
import { functionVariables, jobHandler, openFunction } from "../../lib/service/lambda/index.ts";
import { environmentOf, parseEnvironment } from "../../lib/shared/environment.ts";
import { dispatch } from "./dispatch.ts";

const environment = environmentOf("dispatch", { ...backendVariables, ...functionVariables });

const variables = parseEnvironment(environment, process.env);
const { log, ...opened } = await openFunction(variables);
const deps = { ...opened, backend: openBackend(variables, Date), clock: Date, sleep };

/** Handles the messages of the work queue: hints, and events of the bucket's `unfinished/`. */
export const handler = jobHandler(log, async (ref) => (await dispatch(deps, ref)).outcome);
