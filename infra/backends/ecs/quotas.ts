import type { DeploymentConfig } from "../../config.ts";
import { typesOf } from "../instance-types.ts";

/** Quota of EC2, which counts the virtual processors of all instances of some families in a region. */
export interface VcpuQuota {
  readonly family: string;
  readonly code: string;
  /** Types of the deployment that it counts. */
  readonly types: readonly string[];
  /** Processors that the deployment needs: those of as many instances of its largest type as it may have. */
  readonly needed: number;
}

interface Family {
  readonly name: string;
  readonly pattern: RegExp;
  readonly onDemand: string;
  readonly spot: string;
}

/** @see Amazon EC2 user guide, "EC2 On-Demand Instance quotas" and "Spot Instance quotas" */
const FAMILIES: readonly Family[] = [
  { name: "G and VT instances", pattern: /^g/, onDemand: "L-DB2E81BA", spot: "L-3819A6DF" },
  // Spot instances of the newest types have a quota of their own.
  { name: "P instances", pattern: /^p/, onDemand: "L-417A185B", spot: "L-C4BD4855" },
  { name: "standard instances", pattern: /^[cm]/, onDemand: "L-1216C47A", spot: "L-34B43A08" },
];

/** Returns the quotas that limit a deployment. */
export function quotasOf(config: DeploymentConfig): VcpuQuota[] {
  const { instanceTypes, instancesMax, spot } = config;
  const vcpus = typesOf(config).map(({ vcpus: count }) => count);
  return FAMILIES.flatMap(({ name, pattern, onDemand, spot: spotCode }) => {
    const own = instanceTypes.flatMap((type, index) =>
      pattern.test(type) ? [{ type, vcpus: vcpus[index]! }] : [],
    );
    if (own.length === 0) return [];
    return {
      family: spot ? `Spot ${name}` : name,
      code: spot ? spotCode : onDemand,
      types: own.map(({ type }) => type),
      needed: instancesMax * Math.max(...own.map(({ vcpus: count }) => count)),
    };
  });
}
