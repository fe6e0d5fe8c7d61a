import { backendVariables, openBackend } from "../../lib/service/backends/index.ts";
import { functionVariables, openFunction } from "../../lib/service/lambda/index.ts";
import { environmentOf, needed, parseEnvironment } from "../../lib/shared/environment.ts";
import { reasonOf } from "../../lib/shared/reason-of.ts";
import { sweepJobs, unfinishedMetric } from "./sweep.ts";

const environment = environmentOf("sweep", {
  ...backendVariables,
  DEPLOYMENT: needed("the name of the deployment"),
  ...functionVariables,
});

const variables = parseEnvironment(environment, process.env);
const { DEPLOYMENT: deployment } = variables;
const { log, jobs, hints } = await openFunction(variables);
const backend = openBackend(variables, Date);

/** Sweeps the jobs and writes the metric; called on a schedule. */
export async function handler(): Promise<void> {
  const report = await sweepJobs({
    jobs,
    hints,
    backend,
    clock: Date,
    onError: (error, { id }) => log.error({ id, reason: reasonOf(error) }, "a job could not be swept"),
  });
  log.info(report, "sweep");
  const metric = unfinishedMetric(report, { deployment, now: Date.now() });
  if (metric) process.stdout.write(`${metric}\n`);
}
