import { setTimeout as sleep } from "node:timers/promises";
import { SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import * as z from "zod";
import { jobHandler, openFunction } from "../../lib/service/lambda/index.ts";
import { needed, parseEnvironment } from "../../lib/shared/environment.ts";
import { dispatch } from "./dispatch.ts";

const environment = z.object({ ENDPOINT_NAME: needed("the name of the SageMaker endpoint") });

const { ENDPOINT_NAME: endpointName } = parseEnvironment(environment, process.env);
const { log, ...opened } = await openFunction();
const deps = { ...opened, runtime: new SageMakerRuntimeClient({}), endpointName, clock: Date, sleep };

/** Takes the messages of the work queue: hints, and events of the bucket's `unfinished/`. */
export const handler = jobHandler(log, (ref) => dispatch(deps, ref));
