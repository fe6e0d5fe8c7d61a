import { A10G, H100, type InstanceType, L4, L40S, T4 } from "../instance-type.ts";

/** Date of the prices. They are approximate, and prices of other regions may differ. */
export const PRICES_DATE = "2026-11-22";

/**
 * Fee of Managed Instances, as a share of the list price on demand, which Spot instances cost too. AWS publishes a
 * fee for each type; this share is what one public report was billed for a g6.xlarge and a g6e.xlarge in Tokyo.
 */
export const MANAGEMENT_FEE = 0.078;

/** Returns the price of an hour with the fee, from the list price of EC2 on demand. */
function managed(listPrice: number): number {
  return Math.round(listPrice * (1 + MANAGEMENT_FEE) * 1000) / 1000;
}

/** Types of EC2 with one GPU, since a worker uses one, and two without a GPU for tests. Prices are on demand. */
export const EC2_TYPES: Readonly<Record<string, InstanceType>> = {
  "g4dn.xlarge": { gpu: T4, vcpus: 4, memoryGib: 16, dollarsPerHour: managed(0.526) },
  "g5.xlarge": { gpu: A10G, vcpus: 4, memoryGib: 16, dollarsPerHour: managed(1.006) },
  "g5.2xlarge": { gpu: A10G, vcpus: 8, memoryGib: 32, dollarsPerHour: managed(1.212) },
  "g6.xlarge": { gpu: L4, vcpus: 4, memoryGib: 16, dollarsPerHour: managed(0.805) },
  "g6.2xlarge": { gpu: L4, vcpus: 8, memoryGib: 32, dollarsPerHour: managed(0.978) },
  "g6e.xlarge": { gpu: L40S, vcpus: 4, memoryGib: 32, dollarsPerHour: managed(1.861) },
  "g6e.2xlarge": { gpu: L40S, vcpus: 8, memoryGib: 64, dollarsPerHour: managed(2.242) },
  "g6e.4xlarge": { gpu: L40S, vcpus: 16, memoryGib: 128, dollarsPerHour: managed(3.004) },
  "p5.4xlarge": { gpu: H100, vcpus: 16, memoryGib: 256, dollarsPerHour: managed(6.88) },
  "m5.xlarge": { gpu: null, vcpus: 4, memoryGib: 16, dollarsPerHour: managed(0.192) },
  "c5.2xlarge": { gpu: null, vcpus: 8, memoryGib: 16, dollarsPerHour: managed(0.34) },
};
