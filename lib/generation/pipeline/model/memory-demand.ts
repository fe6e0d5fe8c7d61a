import { MAPPED_BYTES_MIN } from "../../onnx/index.ts";

/** Demands of a part of a model, on any device. */
export interface PartDemand {
  readonly role: "encoder" | "transformer" | "decoder";
  readonly parameters: number;
  /** True where all its weights are stored in float32, as the CPU computes; otherwise they have 16 bit. */
  readonly isFloat32: boolean;
  /** Activations of the graph that has most, in float32. */
  readonly activationBytes: number;
  /** Activations on a GPU of the graph that has most. */
  readonly gpuActivationBytes: number;
}

/** Bytes that a video needs, by the precision its model computes in. */
export interface MemoryDemand {
  /** Bytes on the CPU. */
  readonly float32Bytes: number;
  /** Bytes on the CPU if all weights were stored in float32. */
  readonly storedFloat32Bytes: number;
  /** Bytes on a GPU: the transformer in 16 bit, encoder and decoder in 32. */
  readonly float16Bytes: number;
}

/**
 * Adds up the memory of parts that run one after another.
 *
 * On the CPU weights stored in float32 are read from their file, unless there are few, and leave memory while other
 * parts run: an encoder, which runs once for a prompt, need not hold them all even then. Others are held as they are
 * stored, and twice while their session opens. A GPU holds all weights at once.
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
