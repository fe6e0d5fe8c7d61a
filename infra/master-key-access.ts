import { PolicyStatement, type Role } from "aws-cdk-lib/aws-iam";
import type { DeploymentConfig } from "./config.ts";
import { sharedNames } from "./names.ts";

/** Lets a role read the master key, which may belong to another stack. */
export function grantMasterKey(role: Role, config: DeploymentConfig): void {
  const { account, region } = config;
  // Secrets Manager appends a dash and six random characters to the name in the ARN.
  const secret = `arn:aws:secretsmanager:${region}:${account}:secret:${sharedNames(config).masterSecret}-??????`;
  role.addToPolicy(new PolicyStatement({ actions: ["secretsmanager:GetSecretValue"], resources: [secret] }));
}
