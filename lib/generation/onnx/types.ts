/**
 * Element types of tensors, with ONNX's `TensorProto.DataType` code and the width of one element in bytes.
 */
export const dataTypes = {
  float32: { code: 1, bytes: 4 },
  float16: { code: 10, bytes: 2 },
  bfloat16: { code: 16, bytes: 2 },
  int8: { code: 3, bytes: 1 },
  uint8: { code: 2, bytes: 1 },
  int32: { code: 6, bytes: 4 },
  int64: { code: 7, bytes: 8 },
  bool: { code: 9, bytes: 1 },
} as const;

export type DType = keyof typeof dataTypes;

/** Precisions of products, the widest first. */
export const precisions = ["float32", "float16", "int8"] as const;

/**
 * Precision of the products (linear layers, matrix products, attention) of a graph or of a part of it. With `int8`,
 * linear layers multiply 8-bit integers, and all other products are float32.
 */
export type Precision = (typeof precisions)[number];

/** Execution provider that runs a graph; graphs are lowered for one provider. */
export type Provider = "cpu" | "cuda" | "webgpu";

export const defaultProvider: Provider = "cpu";

export type TensorData = Float32Array | BigInt64Array | Int32Array | Uint8Array | Int8Array;

/** Tensor, row-major. A `Uint8Array` holds bool, one byte per element. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Elements; throws for a tensor that a session keeps on its device (`SessionOptions.keptOutputs`). */
  readonly data: TensorData;
  /** Frees a tensor on a device. Tensors in host memory, which the garbage collector frees, have none. */
  release?(): void;
}

/** Location of the bytes of one weight. `location` is a path relative to the folder given to the session. */
export interface ExternalTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly location: string;
  readonly offset: number;
  readonly byteLength: number;
}

/**
 * Change that is added to a weight, multiplied by `scale`: a difference of the weight's shape, or the product of the
 * matrices `up` [out, rank] and `down` [rank, in], for a weight [out, in]. A weight of more axes is taken as the matrix
 * [out, the others], and so are the factors.
 */
export type WeightChange = { readonly scale: number } & (
  | { readonly difference: ExternalTensor }
  | { readonly down: ExternalTensor; readonly up: ExternalTensor }
);

/**
 * Maps names of weights to bytes on disk. Throws an error that names the tensor if it is missing or has
 * another shape.
 */
export interface WeightSource {
  tensor(name: string, expectedShape: readonly number[]): ExternalTensor;
  /** Returns what is added to a weight when a graph uses it; nothing by default. */
  changes?(name: string): readonly WeightChange[];
  /** Returns the weight of a linear layer in 8-bit integers; undefined where nobody has stored it so. */
  quantized?(name: string): QuantizedTensor | undefined;
}

/**
 * Weight [out, in] of a linear layer in 8-bit integers: `values` is int8 [in, out], `scales` is float32 [out]. The
 * weight is their product, transposed.
 */
export interface QuantizedTensor {
  readonly values: ExternalTensor;
  readonly scales: ExternalTensor;
}

/** Error for a graph that cannot be built. The message starts with the scope path of the operator. */
export class GraphError extends Error {
  override readonly name = "GraphError";
}
