import { describeModel } from "../../lib/generation/pipeline/index.ts";
import { jobStore } from "../../lib/service/jobs/index.ts";
import { commandUsage, parseCommand } from "../../lib/shared/command-line/index.ts";
import { system } from "../../lib/shared/system.ts";
import { fetchModel } from "../gpu/models.ts";
import { exitWithSentence } from "./exit-with-sentence.ts";
import { openLog } from "./output.ts";
import { startPullingWorkers } from "./pulling-workers.ts";
import { orphanWatch, stopOnSignals } from "./stop-on-signals.ts";
import { openCheckedStore } from "./store.ts";
import { WORKER, WORKER_NAME } from "./worker-command.ts";
import { parseWorkerConfig } from "./worker-config.ts";

/* Entry point of `npm run worker`: makes the videos of a service elsewhere until a signal stops it. */

async function main(): Promise<void> {
  const given = parseCommand(WORKER_NAME, WORKER, process.argv.slice(2));
  if (given === "help") return void process.stdout.write(commandUsage(WORKER_NAME, WORKER));
  // npm runs scripts in the package's folder, and passes the user's folder in INIT_CWD.
  const folder = process.env.INIT_CWD ?? process.cwd();
  const config = await parseWorkerConfig(given.values, process.env, folder);
  const { gpu, logFormat, envs } = config;
  const output = openLog({ logLevel: gpu.logLevel, logFormat });
  const { log, watch } = output;
  const isOrphaned = await orphanWatch();
  const store = await openCheckedStore(gpu.store);
  const isUnused = (await store.list("", { limit: 1 })).keys.length === 0;
  const jobs = jobStore({ store, ...system });
  for (const model of gpu.models) {
    // Of several processes that download a model at once, each would download all of it.
    await describeModel((await fetchModel(model, { cacheFolder: gpu.modelCache, log })).folder);
  }
  const workers = startPullingWorkers({ config, jobs, log, watch });
  try {
    await workers.started;
  } catch (error) {
    await workers.stop();
    throw error;
  }
  stopOnSignals({ ...output, stop: workers.stop, graceMs: gpu.stopGraceMs, isOrphaned });
  log.info(`pulling jobs from ${gpu.store}, ${envs.length === 1 ? "1 worker" : `${envs.length} workers`}`);
  // It may be a mistyped prefix, where no job will ever come.
  if (isUnused)
    log.warn(`there is nothing in ${gpu.store} yet: jobs come once npm start has it as its STORE`);
}

main().catch(exitWithSentence);
