import { PolicyStatement, type Role } from "aws-cdk-lib/aws-iam";
import type { DeploymentConfig } from "./config.ts";
import { sharedNames } from "./names.ts";

/** Lets a role read the master key, which may be another stack's. */
export function grantMasterKey(role: Role, config: DeploymentConfig): void {
  const { account, region } = config;
  // Secrets Manager ends the names in its ARNs with a dash and six characters of its own.
  const secret = `arn:aws:secretsmanager:${region}:${account}:secret:${sharedNames(config).masterSecret}-??????`;
  role.addToPolicy(new PolicyStatement({ actions: ["secretsmanager:GetSecretValue"], resources: [secret] }));
}
