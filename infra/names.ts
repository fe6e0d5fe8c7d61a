import type { DeploymentConfig } from "./config.ts";

/** Folders of the bucket. A test compares those of the object store with the key prefixes in `lib/`. */
export const FOLDERS = {
  jobs: "jobs/",
  unfinished: "unfinished/",
  undelivered: "undelivered/",
  claims: "claims/",
  artifacts: "artifacts/",
  inputs: "inputs/",
  webhookEndpoints: "webhook-endpoints/",
  triggers: "triggers/",
  tenantTriggers: "tenant-triggers/",
  runs: "runs/",
  spending: "spending/",
  apiKeys: "api-keys/",
  modelCards: "model-cards/",
  models: "models/",
  /** Outputs and errors that SageMaker writes for its invocations. */
  invocations: "invocations/",
} as const;

/**
 * Begins the names of what is in us-east-1 or belongs to the whole account, such as dashboards and CloudFront's
 * policies: there, deployments of one name from several regions meet.
 */
export function globalName({ name, region }: Pick<DeploymentConfig, "name" | "region">): string {
  return `${name}-${region}`;
}

/** Names that stacks share. They share nothing else, because their regions may differ. */
export interface SharedNames {
  readonly bucket: string;
  readonly masterSecret: string;
}

export function sharedNames({
  name,
  account,
  region,
}: Pick<DeploymentConfig, "name" | "account" | "region">): SharedNames {
  return { bucket: `${name}-${account}-${region}`, masterSecret: `${name}/master-key` };
}

/**
 * Returns the ARN of the log groups of a deployment's edge function, as a pattern: Lambda names them after the function
 * and us-east-1, in every region in which it is asked. The function's full name is not known before it is made.
 */
export function edgeLogGroups({ name, account }: Pick<DeploymentConfig, "name" | "account">): string {
  return `arn:aws:logs:*:${account}:log-group:/aws/lambda/us-east-1.${name}-*`;
}
