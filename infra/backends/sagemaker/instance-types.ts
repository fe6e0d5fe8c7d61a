import { A10G, H100, type InstanceType, L4, L40S, T4 } from "../instance-type.ts";

/** Date of the prices. They are approximate, and prices of other regions may differ. */
export const PRICES_DATE = "2026-11-22";

/** Types that a deployment may use: with one GPU, since a worker uses one, and two without a GPU for tests. */
export const INSTANCE_TYPES: Readonly<Record<string, InstanceType>> = {
  "ml.g4dn.xlarge": { gpu: T4, vcpus: 4, memoryGib: 16, dollarsPerHour: 0.736 },
  "ml.g5.xlarge": { gpu: A10G, vcpus: 4, memoryGib: 16, dollarsPerHour: 1.408 },
  "ml.g5.2xlarge": { gpu: A10G, vcpus: 8, memoryGib: 32, dollarsPerHour: 1.515 },
  "ml.g6.xlarge": { gpu: L4, vcpus: 4, memoryGib: 16, dollarsPerHour: 1.127 },
  "ml.g6.2xlarge": { gpu: L4, vcpus: 8, memoryGib: 32, dollarsPerHour: 1.222 },
  "ml.g6e.xlarge": { gpu: L40S, vcpus: 4, memoryGib: 32, dollarsPerHour: 2.61 },
  "ml.g6e.2xlarge": { gpu: L40S, vcpus: 8, memoryGib: 64, dollarsPerHour: 2.8 },
  "ml.g6e.4xlarge": { gpu: L40S, vcpus: 16, memoryGib: 128, dollarsPerHour: 3.76 },
  "ml.p5.4xlarge": { gpu: H100, vcpus: 16, memoryGib: 256, dollarsPerHour: 7.91 },
  "ml.m5.xlarge": { gpu: null, vcpus: 4, memoryGib: 16, dollarsPerHour: 0.23 },
  "ml.c5.2xlarge": { gpu: null, vcpus: 8, memoryGib: 16, dollarsPerHour: 0.408 },
};
