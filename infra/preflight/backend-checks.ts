import type { DeploymentConfig } from "../config.ts";
import type { Finding } from "./finding.ts";

export type Check = readonly [subject: string, finding: Finding | Promise<Finding>];

/** Checks of the GPU side of a deployment: may it run, on what, and from which image. */
export interface BackendChecks {
  /** Subjects of the checks that ask AWS, named also while nobody is logged in. */
  subjects(config: DeploymentConfig): readonly string[];
  /** Asks AWS: a finding for each subject, in their order. */
  inAccount(config: DeploymentConfig): readonly Promise<Finding>[];
  /** Checks that need no account. */
  onMachine(config: DeploymentConfig, env: NodeJS.ProcessEnv): readonly Check[];
}
