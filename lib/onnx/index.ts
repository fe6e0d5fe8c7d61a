export { Graph, type Value } from "./graph.ts";
export { type AttentionInputs, attention, rotaryInterleaved } from "./operators/attention.ts";
export { type ConvOptions, conv2d, conv3d, upsampleNearest2x } from "./operators/convolution.ts";
export {
  abs,
  add,
  cast,
  div,
  exp,
  gelu,
  mul,
  neg,
  type Operand,
  sigmoid,
  silu,
  softmax,
  sqrt,
  sub,
  tanh,
  where,
} from "./operators/elementwise.ts";
export { concat, expand, gather, pad, reshape, slice, split, transpose } from "./operators/layout.ts";
export { linear, matmul } from "./operators/linear.ts";
export { groupNorm, layerNorm, rmsNorm } from "./operators/normalization.ts";
export { type ReduceOptions, reduceMean, reduceSum, sumAbs } from "./operators/reduction.ts";
export { openSession, type Session, type SessionOptions } from "./session.ts";
export {
  type DType,
  type ExternalTensor,
  GraphError,
  type Provider,
  type Tensor,
  type TensorData,
  type WeightSource,
} from "./types.ts";
