import { command, UsageError } from "../../lib/shared/command-line/index.ts";
import { VARIABLES, type Variable } from "../../lib/shared/variables.ts";

export const WORKER_NAME = "npm run worker --";

const WORKERS_MAX = 64;

/** Variables of the GPU function that say nothing here, because options or this command set them. */
const NOT_HERE = ["STORE", "PORT", "HOST", "SAGEMAKER_BIND_TO_PORT", "RUNS_QUEUE_URL"];

const settings = Object.entries<Variable>(VARIABLES).filter(
  ([name, { readBy, setBy }]) =>
    readBy.includes("gpu") && setBy.includes("people") && !NOT_HERE.includes(name),
);

/** Command line of `npm run worker`. */
export const WORKER = command({
  text: "makes the videos of a service whose store it is given, beside any number of other workers, until Ctrl-C",
  positionals: [],
  options: {
    store: {
      value: "URL",
      text: "s3://bucket, s3://bucket/prefix or a folder, where the service keeps its jobs; by default STORE of the environment",
    },
    workers: {
      value: "N",
      text: "number of GPU processes, each on a GPU of its own, or auto for one on each GPU of this machine",
      default: "1",
      read: workersIn,
    },
  },
  variables: {
    ...Object.fromEntries(settings.map(([name, { what }]) => [name, what])),
    LOG_FORMAT: VARIABLES.LOG_FORMAT.what,
  },
  notes: `The service is npm start with the same STORE, on this machine or on another. Workers look for jobs in the store
    itself, and need to reach nothing else.`,
  example: "--store s3://videos --workers auto",
});

/** Reads a number of workers; null for as many as there are GPUs. */
function workersIn(text: string): number | null {
  if (text === "auto") return null;
  const number = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= WORKERS_MAX) return number;
  throw new UsageError(`--workers is a whole number from 1 to ${WORKERS_MAX}, or auto, not ${text}.`);
}
