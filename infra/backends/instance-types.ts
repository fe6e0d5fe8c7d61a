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

/**
 * Returns the sentence that refuses the types of a deployment because its backend does not offer one of them; null if
 * it offers all.
 *
 * @param option what comes before the types on the command line, such as `-c instanceTypes=`
 */
export function faultOfTypes({ backend, instanceTypes }: Chosen, option: string): string | null {
  const offered = Object.keys(INSTANCE_TYPES[backend]);
  const unknown = instanceTypes.find((type) => !offered.includes(type));
  if (unknown === undefined) return null;
  const plain = instanceTypes.map((type) => type.replace(/^ml\./, ""));
  const [rule, own] =
    backend === "sagemaker"
      ? ["SageMaker names instance types with ml.", plain.map((type) => `ml.${type}`)]
      : ["ECS names instance types without ml.", plain];
  if (own.every((type) => offered.includes(type))) return `${rule}: say ${option}${own.join(",")}.`;
  return `There is no instance type ${unknown} with backend=${backend}: choose from ${offered.join(", ")}.`;
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
