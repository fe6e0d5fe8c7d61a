import type { DeploymentConfig } from "./config.ts";

/** The folders of the bucket; those of the object store are the keys of `lib/`, and a test holds them together. */
export const FOLDERS = {
  jobs: "jobs/",
  unfinished: "unfinished/",
  undelivered: "undelivered/",
  claims: "claims/",
  artifacts: "artifacts/",
  webhookEndpoints: "webhook-endpoints/",
  triggers: "triggers/",
  tenantTriggers: "tenant-triggers/",
  apiKeys: "api-keys/",
  modelCards: "model-cards/",
  models: "models/",
  /** What SageMaker writes of its invocations. */
  invocations: "invocations/",
} as const;

/** Names that one stack tells another: stacks in two regions share nothing else. */
export interface SharedNames {
  readonly bucket: string;
  readonly masterSecret: string;
}

export function sharedNames({ name, account, region }: DeploymentConfig): SharedNames {
  return { bucket: `${name}-${account}-${region}`, masterSecret: `${name}/master-key` };
}
