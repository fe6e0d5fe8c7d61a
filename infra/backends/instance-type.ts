/** Instance type that a backend offers, and its price. */
export interface InstanceType {
  /** GPU of the type, or null: then the model runs on the CPU. */
  readonly gpu: Gpu | null;
  readonly vcpus: number;
  readonly memoryGib: number;
  /** Price in US dollars per hour in us-east-1, billed by the second while the instance exists. */
  readonly dollarsPerHour: number;
}

interface Gpu {
  readonly name: string;
  readonly memoryGib: number;
}

export const T4: Gpu = { name: "T4", memoryGib: 16 };
export const A10G: Gpu = { name: "A10G", memoryGib: 24 };
export const L4: Gpu = { name: "L4", memoryGib: 24 };
export const L40S: Gpu = { name: "L40S", memoryGib: 48 };
export const H100: Gpu = { name: "H100", memoryGib: 80 };
