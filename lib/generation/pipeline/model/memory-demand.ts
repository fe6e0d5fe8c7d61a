import { leastBytes, type PartMemory } from "./residency.ts";

/** Memory that a video needs, by device. */
export interface MemoryDemand {
  /** Least bytes on the CPU, with the weights as they are stored. */
  readonly float32Bytes: number;
  /** Least bytes on the CPU if all weights were stored in float32. */
  readonly storedFloat32Bytes: number;
  /** Least bytes on a GPU, with the transformer in 16 bit, and the other parts computed in float32. */
  readonly float16Bytes: number;
  /** Parts on a GPU, from which follows what is released in a memory of a given size. */
  readonly gpuParts: readonly PartMemory[];
}

/** A part's memory on each device. */
export interface PartDemand {
  readonly cpu: PartMemory;
  /** Memory on the CPU, if its weights were stored in float32. */
  readonly cpuFloat32: PartMemory;
  readonly gpu: PartMemory;
}

/** Returns the memory that parts need which run one after another. */
export function memoryDemand(parts: readonly PartDemand[]): MemoryDemand {
  const gpuParts = parts.map(({ gpu }) => gpu);
  return {
    float32Bytes: leastBytes(parts.map(({ cpu }) => cpu)),
    storedFloat32Bytes: leastBytes(parts.map(({ cpuFloat32 }) => cpuFloat32)),
    float16Bytes: leastBytes(gpuParts),
    gpuParts,
  };
}
