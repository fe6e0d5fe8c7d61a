import {
  type Checkpoint,
  CheckpointError,
  commonFolder,
  type ModelPart,
  openQuantized,
  type QuantizedFile,
  quantizeCommand,
  relocated,
} from "../../checkpoint/index.ts";
import type { TransformerWeights } from "../../lora/index.ts";
import { MAPPED_BYTES_MIN } from "../../onnx/index.ts";

/** A part of a model with the headers of its weights read. */
export type OpenedPart = ModelPart & {
  readonly weights: Checkpoint;
  /** Weights of linear layers in 8-bit integers, where they are used and there is a file of them. */
  readonly quantized?: QuantizedFile | undefined;
};

/** Returns a part with its weights in 8-bit integers, if there is a file of them. @throws CheckpointError */
export async function withIntegers(part: OpenedPart): Promise<OpenedPart> {
  return { ...part, quantized: (await openQuantized(part)) ?? undefined };
}

/** Tells if sessions map the weights of a part from their file, by the bytes that those would have in float32. */
export function isLarge({ weights }: OpenedPart, bytesMin = MAPPED_BYTES_MIN): boolean {
  return 4 * elements(weights) >= bytesMin;
}

/**
 * Checks that sessions can take a transformer's weights in 8-bit integers. Without a file of them they are quantised
 * when a session opens, which needs memory for all of them in float32.
 *
 * @throws CheckpointError if the weights are too many for that
 */
export function checkIntegers(part: OpenedPart, mappedBytesMin?: number): void {
  if (part.quantized || !isLarge(part, mappedBytesMin)) return;
  throw new CheckpointError(
    part.folder,
    `its weights are too many to be quantised each time it opens: write them in int8 once with ${quantizeCommand(part)}`,
  );
}

/** Returns the weights of a part that graphs are built from and sessions opened on. */
export function graphWeights({ weights, quantized }: OpenedPart): TransformerWeights {
  if (!quantized) return weights;
  const root = commonFolder([`${weights.root}/file`, `${quantized.root}/file`]);
  return {
    root,
    has: (name) => weights.has(name),
    info: (name) => weights.info(name),
    tensor: (name, expectedShape) => relocated(weights.tensor(name, expectedShape), weights.root, root),
    quantized(name) {
      const found = quantized.quantized(name);
      if (!found) return undefined;
      const located = (tensor: typeof found.values) => relocated(tensor, quantized.root, root);
      return { values: located(found.values), scales: located(found.scales) };
    },
    checkAllUsed: (mayRemain) => weights.checkAllUsed(mayRemain),
  };
}

/** Returns the weights of a part in float32, and a set of the names that graphs ask for in 8-bit integers. */
export function recordedWeights(part: OpenedPart): {
  readonly weights: TransformerWeights;
  readonly names: ReadonlySet<string>;
} {
  const names = new Set<string>();
  const quantized = (name: string) => {
    names.add(name);
    return undefined;
  };
  const { weights } = part;
  return {
    names,
    weights: {
      root: weights.root,
      has: (name) => weights.has(name),
      info: (name) => weights.info(name),
      tensor: (name, expectedShape) => weights.tensor(name, expectedShape),
      quantized,
      checkAllUsed: (mayRemain) => weights.checkAllUsed(mayRemain),
    },
  };
}

/** Returns the number of elements of all weights. */
export function elements(weights: Checkpoint): number {
  return weights
    .names()
    .map((name) => weights.info(name).shape.reduce((product, size) => product * size, 1))
    .reduce((sum, count) => sum + count, 0);
}
