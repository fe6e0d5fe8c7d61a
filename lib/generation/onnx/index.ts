export { Graph, type Value } from "./graph.ts";
export { addsExactly } from "./integer-kernels.ts";
export { exp, gelu, sigmoid, silu, softmax, tanh } from "./operators/activations.ts";
export { attention, rotaryInterleaved } from "./operators/attention.ts";
export { conv2d, conv3d, upsampleNearest2x } from "./operators/convolution.ts";
export { abs, add, cast, div, less, mul, neg, sinusoid, sqrt, sub, where } from "./operators/elementwise.ts";
export { concat, expand, gather, pad, reshape, slice, split, transpose } from "./operators/layout.ts";
export { linear, matmul } from "./operators/linear.ts";
export { groupNorm, layerNorm, rmsNorm } from "./operators/normalization.ts";
export { reduceL2, reduceMean, reduceSum, sumAbs } from "./operators/reduction.ts";
export { defaultPrecision, precisionFault, textProvider } from "./provider-traits.ts";
export { assertComputes } from "./self-check.ts";
export { MAPPED_BYTES_MIN, openSession, type Session, SessionError, usesMachineMemory } from "./session.ts";
export type {
  ExternalTensor,
  QuantizedTensor,
  Tensor,
  TensorData,
  WeightChange,
  WeightSource,
} from "./types.ts";
export { type DType, GraphError, type Precision, type Provider, precisions } from "./types.ts";
export { unsupportedOperator } from "./unsupported-operator.ts";
export { channelScale, quantizedWeight } from "./weight-quantization.ts";
