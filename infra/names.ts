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
