import { MAPPED_BYTES_MIN } from "../onnx/index.ts";

/** What a part of a model asks for, whatever it runs on. */
export interface PartDemand {
  readonly role: "encoder" | "transformer" | "decoder";
  readonly parameters: number;
  /** Whether all its weights are stored as the CPU computes with them. */
  readonly isFloat32: boolean;
  /** Of the graph that takes most, in float32. */
  readonly activationBytes: number;
}

/** Bytes that a video needs, by the precision its model computes in. */
export interface MemoryDemand {
  /** On the CPU. */
  readonly float32Bytes: number;
  /** On a GPU: encoder and transformer in 16 bit, the decoder in 32. */
  readonly float16Bytes: number;
}

/**
 * What parts that run one after another need together.
 *
 * On the CPU weights are held in float32. Those stored as such are read from their file, unless there are few, and
 * leave memory while other parts run: an encoder, which runs once for a prompt, need not hold them all even then. A GPU
 * holds all weights at once.
 */
export function memoryDemand(parts: readonly PartDemand[]): MemoryDemand {
  const working = parts.map((part) => {
    const returns = isMapped(part) && part.role !== "encoder";
    return part.activationBytes + (returns ? 4 * part.parameters : 0);
  });
  const copied = parts.filter((part) => !isMapped(part)).map(({ parameters }) => 4 * parameters);
  const onGpu = parts.map(({ role, parameters }) => (role === "decoder" ? 4 : 2) * parameters);
  const halved = parts.map(({ role, activationBytes }) => activationBytes / (role === "transformer" ? 2 : 1));
  return {
    float32Bytes: sum(copied) + Math.max(...working),
    float16Bytes: sum(onGpu) + Math.max(...halved),
  };
}

function isMapped({ parameters, isFloat32 }: PartDemand): boolean {
  return isFloat32 && 4 * parameters >= MAPPED_BYTES_MIN;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
