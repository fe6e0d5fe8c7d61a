import { EC2_TYPES } from "./ecs/instance-types.ts";
import type { InstanceType } from "./instance-type.ts";
import type { BackendName } from "./names.ts";
import { INSTANCE_TYPES as SAGEMAKER_TYPES } from "./sagemaker/instance-types.ts";

/** Instance types that each backend offers, by name. */
export const INSTANCE_TYPES: Readonly<Record<BackendName, Readonly<Record<string, InstanceType>>>> = {
  sagemaker: SAGEMAKER_TYPES,
  ecs: EC2_TYPES,
};

interface Chosen {
  readonly backend: BackendName;
  readonly instanceTypes: readonly string[];
}

/** Returns the types of a deployment, in the order of the configuration. */
export function typesOf({ backend, instanceTypes }: Chosen): InstanceType[] {
  return instanceTypes.map((name) => INSTANCE_TYPES[backend][name]!);
}

/** Returns whether the instances have a GPU. A configuration never mixes types with and without one. */
export function hasGpu(chosen: Chosen): boolean {
  return typesOf(chosen).some(({ gpu }) => gpu !== null);
}

/** Returns the memory of the smallest GPU among the instance types; 0 if they have none. */
export function gpuMemoryGib(chosen: Chosen): number {
  return Math.min(...typesOf(chosen).map(({ gpu }) => gpu?.memoryGib ?? 0));
}
