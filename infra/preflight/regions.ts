import type { DeploymentConfig } from "../config.ts";

/** Region that CloudFront takes its functions from. */
export const EDGE_REGION = "us-east-1";

/** Returns the regions that a deployment has stacks in. */
export function regionsOf({ region }: Pick<DeploymentConfig, "region">): string[] {
  return [...new Set([region, EDGE_REGION])];
}
