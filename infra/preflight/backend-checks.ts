import type { DeploymentConfig } from "../config.ts";
import type { Finding } from "./finding.ts";

export type Check = readonly [subject: string, finding: Finding | Promise<Finding>];

/** Jobs of an earlier deployment of the same name: `ended` if it has had some, and has none that waits or runs. */
export type EarlierJobs = "none" | "ended" | "unfinished";

/** Knowledge of an earlier deployment of the same name. */
export interface EarlierDeployment {
  /** Jobs that it has had. With any, this deployment is an upgrade. */
  readonly jobs: Promise<EarlierJobs>;
}

/** Checks of a deployment's GPU backend, such as quotas and images. */
export interface BackendChecks {
  /** Names of the checks that ask AWS; they are listed even without credentials. */
  subjects(config: DeploymentConfig): readonly string[];
  /** Asks AWS and returns a finding for each subject, in the same order. */
  inAccount(config: DeploymentConfig, earlier: EarlierDeployment): readonly Promise<Finding>[];
  /** Runs the checks that need no AWS account. */
  onMachine(config: DeploymentConfig, env: NodeJS.ProcessEnv): readonly Check[];
}
