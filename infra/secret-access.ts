import { PolicyStatement, type Role } from "aws-cdk-lib/aws-iam";
import type { DeploymentConfig } from "./config.ts";
import { sharedNames } from "./names.ts";

/** Lets a role read the master key, which may belong to another stack. */
export function grantMasterKey(role: Role, config: DeploymentConfig): void {
  grantSecret(role, config, sharedNames(config).masterSecret);
}

/** Lets a role read a secret of the deployment's account and region. */
export function grantSecret(
  role: Role,
  { account, region }: Pick<DeploymentConfig, "account" | "region">,
  name: string,
): void {
  // Secrets Manager appends a dash and six random characters to the name in the ARN.
  const secret = `arn:aws:secretsmanager:${region}:${account}:secret:${name}-??????`;
  role.addToPolicy(new PolicyStatement({ actions: ["secretsmanager:GetSecretValue"], resources: [secret] }));
}
