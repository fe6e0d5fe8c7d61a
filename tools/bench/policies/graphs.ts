/** Graphs that rivals need and the product does not have: a transformer cut after some of its blocks. */
import { beginCut, guide } from "../../../lib/generation/models/cut.ts";
import {
  type CutOptions,
  cutNames,
  type DiffusionTransformer,
  precisionOf,
} from "../../../lib/generation/models/index.ts";
import { add, type Graph, sub, type Value } from "../../../lib/generation/onnx/index.ts";

/** Names of inputs and outputs besides those of the product's cuts. */
export const partNames = {
  /** Sum of what the first blocks add to the stream [B, N, D]: output of a front, input of its rest. */
  added: "added",
  /** The stream after the first blocks [B, N, D]. */
  stream: "stream",
  /** Modulated input of the first block [1 or B, N, D]. */
  modulatedInput: "modulatedInput",
} as const;

/** Builds the graph of the first `blocks` blocks. Outputs: `added` and `stream`. */
export function buildFront(dit: DiffusionTransformer, options: CutOptions, blocks: number): Graph {
  const { graph, latent, batch } = beginCut(dit, options);
  const { x, conditioning } = graph.scope("embed", () => dit.embed(graph, latent, batch));
  const out = runBlocks(dit, x, [0, blocks], { conditioning, options });
  graph.output(partNames.added, sub(out, x)); // [B, N, D]
  graph.output(partNames.stream, out);
  return graph;
}

/**
 * Builds the graph of the blocks after the first `blocks` and of the head. Input: `added`. Outputs: prediction and
 * residual, those of a whole step to about 1e-6.
 */
export function buildRest(dit: DiffusionTransformer, options: CutOptions, blocks: number): Graph {
  const start = beginCut(dit, options);
  const { graph, latent, batch } = start;
  const { x, conditioning } = graph.scope("embed", () => dit.embed(graph, latent, batch));
  const added = graph.input(partNames.added, "float32", [batch, dit.tokens, dit.width]);
  const out = runBlocks(dit, add(x, added), [blocks, dit.blocks], { conditioning, options });
  const prediction = graph.scope("head", () => dit.head(out, conditioning));
  graph.output(cutNames.prediction, guide(prediction, start));
  graph.output(cutNames.residual, sub(out, x)); // [B, N, D]
  return graph;
}

/**
 * Builds the graph of the modulated input of the first block: the output of its first normalisation, which shift and
 * scale of the timestep modulate. Output: `modulatedInput`.
 *
 * @throws GraphError if the block has no such normalisation
 */
export function buildModulatedInput(dit: DiffusionTransformer, options: CutOptions): Graph {
  const { graph, latent, batch } = beginCut(dit, options);
  const { x, conditioning } = graph.scope("embed", () => dit.embed(graph, latent, batch));
  const normal = firstOutput(graph, "LayerNormalization", () => dit.block(0, x, conditioning));
  graph.output(partNames.modulatedInput, normal ?? graph.fail("the first block modulates no normalisation"));
  return graph;
}

type Conditioning = Parameters<DiffusionTransformer["block"]>[2];

function runBlocks(
  dit: DiffusionTransformer,
  x: Value,
  [from, to]: readonly [from: number, to: number],
  { conditioning, options }: { conditioning: Conditioning; options: CutOptions },
): Value {
  let stream = x;
  for (let index = from; index < to; index++) {
    stream = x.graph.inPrecision(precisionOf(options), () => dit.block(index, stream, conditioning).x);
  }
  return stream;
}

/**
 * Returns the first output of an operator that `build` adds to the graph. The operators that it adds for nothing are
 * left out of the model when it is serialised.
 */
function firstOutput(graph: Graph, operator: string, build: () => unknown): Value | undefined {
  const { node } = graph;
  let found: Value | undefined;
  graph.node = (opType, ...rest) => {
    const values = node.call(graph, opType, ...rest);
    if (opType === operator) found ??= values[0];
    return values;
  };
  try {
    build();
    return found;
  } finally {
    graph.node = node;
  }
}
