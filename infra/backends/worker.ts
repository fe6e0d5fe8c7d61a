import type { Role } from "aws-cdk-lib/aws-iam";
import type { DeployedVariables } from "../../lib/shared/variables.ts";
import type { DeploymentConfig } from "../config.ts";
import { grantFolders } from "../folder-access.ts";
import { FOLDERS, sharedNames } from "../names.ts";
import { grantSecret } from "../secret-access.ts";
import { gpuMemoryGib, hasGpu } from "./instance-types.ts";

/** Returns the environment of a worker, whatever invokes it. */
export function workerEnvironment(
  config: DeploymentConfig,
  { runMsMax }: { readonly runMsMax: number },
): DeployedVariables<"gpu" | "sdk"> {
  const { bucket } = sharedNames(config);
  return {
    AWS_REGION: config.region,
    STORE: `s3://${bucket}`,
    MODEL_URI: `s3://${bucket}/${modelFolder(config)}`,
    PROVIDER: hasGpu(config) ? "cuda" : "cpu",
    GPU_MEMORY_GIB: String(gpuMemoryGib(config)),
    MAX_RUN_MS: String(runMsMax),
    ...(config.provenance !== "signed" && { PROVENANCE: config.provenance }),
    ...(config.provenanceSecret !== null && { PROVENANCE_SECRET_ID: config.provenanceSecret }),
  };
}

/**
 * Lets the role of a worker do what its work needs.
 *
 * @param written folders that a backend writes to with the same role
 */
export function grantWork(role: Role, config: DeploymentConfig, written: readonly string[] = []): void {
  grantFolders(role, sharedNames(config).bucket, {
    read: [FOLDERS.jobs, FOLDERS.artifacts, FOLDERS.inputs, FOLDERS.runs, modelFolder(config)],
    list: [FOLDERS.unfinished],
    write: [
      FOLDERS.jobs,
      FOLDERS.artifacts,
      FOLDERS.unfinished,
      FOLDERS.undelivered,
      FOLDERS.runs,
      ...written,
    ],
    // The preview of an attempt is deleted with its end.
    delete: [FOLDERS.unfinished, FOLDERS.artifacts],
  });
  if (config.provenanceSecret !== null) grantSecret(role, config, config.provenanceSecret);
}

function modelFolder({ model }: DeploymentConfig): string {
  return `${FOLDERS.models}${model}/`;
}
