import { add, div, type Graph, type Precision, reduceL2, sub, type Value } from "../onnx/index.ts";
import { beginCut, type CutOptions } from "./cut.ts";
import type { DiffusionTransformer } from "./diffusion-transformer.ts";

/** Names of the input and the outputs of a block's check. */
export const blockCheckNames = {
  /** Stream before a block after the first [1 or B, N, D]. */
  stream: "stream",
  /** Stream after the block in float32 [B, N, D], which the next block begins with. */
  streamAfter: "streamAfter",
  /** Scalar: relative L2 error of what the block adds to the stream. */
  error: "error",
} as const;

/**
 * Builds a graph that computes one block twice from the same stream: in float32, and in another precision.
 *
 * @param options.stream shape of the stream before the block; undefined for the first one, which begins with `embed`
 */
export function buildBlockCheck(
  dit: DiffusionTransformer,
  index: number,
  {
    precision,
    stream,
    ...options
  }: CutOptions & { readonly precision: Precision; readonly stream: readonly number[] | undefined },
): Graph {
  const { graph, latent, batch } = beginCut(dit, options);
  const { x, conditioning } = graph.scope("embed", () => dit.embed(graph, latent, batch));
  const before = stream ? graph.input(blockCheckNames.stream, "float32", stream) : x;
  const residual = (of: Precision): Value =>
    graph.scope(of, () =>
      sub(
        graph.inPrecision(of, () => dit.block(index, before, conditioning).x),
        before,
      ),
    );
  const [exact, other] = [residual("float32"), residual(precision)]; // [B, N, D]
  graph.output(blockCheckNames.streamAfter, add(before, exact));
  graph.output(blockCheckNames.error, div(reduceL2(sub(other, exact)), reduceL2(exact)));
  return graph;
}
