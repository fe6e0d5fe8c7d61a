/** Instance type of SageMaker hosting, and its price. */
export interface InstanceType {
  /** GPU of the type, or null: then the model runs on the CPU. */
  readonly gpu: { readonly name: string; readonly memoryGib: number } | null;
  readonly vcpus: number;
  readonly memoryGib: number;
  /** Price in US dollars per hour in us-east-1, billed by the second while the instance exists. */
  readonly dollarsPerHour: number;
}

/** Date of the prices. They are approximate, and prices of other regions may differ. */
export const PRICES_DATE = "2026-11-22";

const T4 = { name: "T4", memoryGib: 16 };
const A10G = { name: "A10G", memoryGib: 24 };
const L4 = { name: "L4", memoryGib: 24 };
const L40S = { name: "L40S", memoryGib: 48 };
const H100 = { name: "H100", memoryGib: 80 };

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
