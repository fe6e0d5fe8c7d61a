import { MAPPED_BYTES_MIN } from "../../onnx/index.ts";

/** Size of a part of a model, from which its memory on any device follows. */
export interface PartDemand {
  readonly role: "encoder" | "transformer" | "decoder";
  readonly parameters: number;
  /** True if all weights are stored in float32, the type in which the CPU computes; otherwise they have 16 bit. */
  readonly isFloat32: boolean;
  /** Bytes of activations of the graph that needs most, in float32. */
  readonly activationBytes: number;
  /** Bytes of activations on a GPU of the graph that needs most. */
  readonly gpuActivationBytes: number;
}

/** Bytes of memory that a video needs, by device and precision. */
export interface MemoryDemand {
  /** Bytes on the CPU, with the weights as they are stored. */
  readonly float32Bytes: number;
  /** Bytes on the CPU if all weights were stored in float32. */
  readonly storedFloat32Bytes: number;
  /** Bytes on a GPU, with the transformer in 16 bit, text encoder and decoder in 32. */
  readonly float16Bytes: number;
}

/**
 * Returns the memory that parts need which run one after another.
 *
 * On the CPU large float32 weights are mapped from their file, and the system can evict them while other parts run. The
 * text encoder runs once for a prompt, so its mapped weights need not all be resident even then. Other weights are held
 * as they are stored, and twice while their session opens. A GPU holds all weights at once.
 */
export function memoryDemand(parts: readonly PartDemand[]): MemoryDemand {
  const onGpu = parts.map(({ role, parameters }) => (role === "transformer" ? 2 : 4) * parameters);
  return {
    float32Bytes: cpuBytes(parts),
    storedFloat32Bytes: cpuBytes(parts.map((part) => ({ ...part, isFloat32: true }))),
    float16Bytes: sum(onGpu) + Math.max(...parts.map((part) => part.gpuActivationBytes)),
  };
}

function cpuBytes(parts: readonly PartDemand[]): number {
  const held = parts.map((part) => (isMapped(part) ? 0 : storedBytes(part)));
  const opening = held.map((bytes, i) => sum(held.slice(0, i)) + 2 * bytes);
  const running = parts.map((part) => {
    const readsAgain = isMapped(part) && part.role !== "encoder";
    return sum(held) + part.activationBytes + (readsAgain ? storedBytes(part) : 0);
  });
  return Math.max(...opening, ...running);
}

function isMapped(part: PartDemand): boolean {
  return part.isFloat32 && storedBytes(part) >= MAPPED_BYTES_MIN;
}

function storedBytes({ parameters, isFloat32 }: PartDemand): number {
  return (isFloat32 ? 4 : 2) * parameters;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
