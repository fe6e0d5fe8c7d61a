export { functionVariables, type JobFunction, openFunction } from "./job-function.ts";
export { readMasterKey } from "./master-key.ts";
export { jobHandler, messageHandler } from "./queue-handlers.ts";
