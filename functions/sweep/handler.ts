import * as z from "zod";
import { openFunction } from "../../lib/service/lambda/index.ts";
import { needed, parseEnvironment } from "../../lib/shared/environment.ts";
import { reasonOf } from "../../lib/shared/reason-of.ts";
import { sweepJobs, unfinishedMetric } from "./sweep.ts";

const environment = z.object({
  ENDPOINT_NAME: needed("the name of the SageMaker endpoint"),
  DEPLOYMENT: needed("the name of the deployment"),
});

const { ENDPOINT_NAME: endpointName, DEPLOYMENT: deployment } = parseEnvironment(environment, process.env);
const { log, jobs, hints } = await openFunction();

/** Runs on a schedule. */
export async function handler(): Promise<void> {
  const report = await sweepJobs({
    jobs,
    hints,
    endpointName,
    clock: Date,
    onError: (error, { id }) => log.error({ id, reason: reasonOf(error) }, "a job was not looked at"),
  });
  log.info(report, "sweep");
  const metric = unfinishedMetric(report, { deployment, now: Date.now() });
  if (metric) process.stdout.write(`${metric}\n`);
}
