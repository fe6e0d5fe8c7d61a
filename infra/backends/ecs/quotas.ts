import type { DeploymentConfig } from "../../config.ts";
import { typesOf } from "../instance-types.ts";

/** Quota of EC2, which counts the virtual processors of all instances of some families in a region. */
export interface VcpuQuota {
  readonly family: string;
  /** Name of the quota in Service Quotas. */
  readonly name: string;
  /** Processors that the deployment needs: those of as many instances of its largest type as it may have. */
  readonly needed: number;
}

interface Family {
  readonly name: string;
  readonly pattern: RegExp;
  readonly onDemand: string;
  readonly spot: string;
}

const STANDARD = "Standard (A, C, D, H, I, M, R, T, Z)";

/** @see Amazon EC2 user guide, "EC2 On-Demand Instance quotas" and "Spot Instance quotas" */
const FAMILIES: readonly Family[] = [
  {
    name: "G and VT",
    pattern: /^g/,
    onDemand: "Running On-Demand G and VT instances",
    spot: "All G and VT Spot Instance Requests",
  },
  {
    name: "P",
    pattern: /^p/,
    onDemand: "Running On-Demand P instances",
    // Spot instances of the newest types have a quota of their own.
    spot: "All P5 Spot Instance Requests",
  },
  {
    name: "standard",
    pattern: /^[cm]/,
    onDemand: `Running On-Demand ${STANDARD} instances`,
    spot: `All ${STANDARD} Spot Instance Requests`,
  },
];

/** Returns the quotas that limit a deployment. */
export function vcpuQuotasOf(config: DeploymentConfig): VcpuQuota[] {
  const { instanceTypes, instancesMax, spot } = config;
  const types = typesOf(config);
  return FAMILIES.flatMap((family) => {
    const vcpus = types.flatMap((type, index) =>
      family.pattern.test(instanceTypes[index]!) ? type.vcpus : [],
    );
    if (vcpus.length === 0) return [];
    return {
      family: `${spot ? "Spot instances" : "instances"} of ${family.name}`,
      name: spot ? family.spot : family.onDemand,
      needed: instancesMax * Math.max(...vcpus),
    };
  });
}
