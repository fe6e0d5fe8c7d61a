import {
  add,
  cast,
  Graph,
  mul,
  type Precision,
  type Provider,
  slice,
  sub,
  type Value,
  type WeightSource,
} from "../onnx/index.ts";
import type { DiffusionTransformer } from "./diffusion-transformer.ts";
import { type GraphSignalName, outputSignals } from "./signals.ts";

/**
 * Cuts a diffusion transformer at the two ends of its trunk, without changing it.
 *
 * Every block only adds to the stream, so all that a step contributes between `embed` and `head` is one
 * tensor, R = trunk out - trunk in. A step that reuses R is `head(embed(latent) + R)`.
 */

export interface CutOptions {
  readonly weights: WeightSource;
  readonly provider?: Provider;
  /** What the blocks multiply in; float16 on CUDA by default, float32 elsewhere. */
  readonly precision?: Precision;
}

/** What the blocks multiply in, where it is not said. */
export function precisionOf({ provider, precision }: Pick<CutOptions, "provider" | "precision">): Precision {
  return precision ?? (provider === "cuda" ? "float16" : "float32");
}

/** Names of the graph inputs and outputs that the cuts share; the transformer adds those of its feeds. */
export const cutNames = {
  /** [1, C, F, H, W] */
  latent: "latent",
  /** scalar */
  guidanceScale: "guidanceScale",
  /** [B, N, D]; zeros before the first computed step */
  previousProbe: "previousProbe",
  /** [1, C, F, H, W], after guidance */
  prediction: "prediction",
  /** R [B, N, D]: output of a computed step, input of a reused one */
  residual: "residual",
  /** [B, N, D] */
  probe: "probe",
} as const;

/**
 * The graph of a computed step. Inputs: latent, guidanceScale and the transformer's own. Outputs: prediction, residual.
 *
 * @param options.signals further outputs, none by default; one that compares probes needs previousProbe as an input,
 *   and brings the probe as an output
 * @param options.blockResiduals also outputs what every block adds, as `residual.0`, `residual.1`, ... in
 *   order
 */
export function buildFull(
  dit: DiffusionTransformer,
  options: CutOptions & { signals?: Iterable<GraphSignalName>; blockResiduals?: boolean },
): Graph {
  const { graph, latent, guidanceScale } = begin(dit, options);
  const cuts = forward(dit, graph, latent, precisionOf(options));
  const { prediction, trunkIn, trunkOut, probe } = cuts;
  graph.output(cutNames.prediction, guide(graph, prediction, guidanceScale));
  graph.scope("signals", () => {
    graph.output(cutNames.residual, sub(trunkOut, trunkIn)); // [B, N, D]
    const previous = () => graph.input(cutNames.previousProbe, "float32", [2, dit.tokens, dit.width]);
    outputSignals(graph, options.signals ?? [], { probe, previous, transformer: dit });
  });
  if (options.blockResiduals) {
    for (const [i, residual] of cuts.residuals.entries()) {
      graph.output(`${cutNames.residual}.${i}`, cast(residual, "float32"));
    }
  }
  return graph;
}

/**
 * The graph of a reused step. Inputs: latent, guidanceScale, residual and the step's feeds. Output:
 * prediction.
 */
export function buildReuse(dit: DiffusionTransformer, options: CutOptions): Graph {
  const { graph, latent, guidanceScale } = begin(dit, options);
  const { x, conditioning } = graph.scope("embed", () => dit.embed(graph, latent));
  const residual = graph.input(cutNames.residual, "float32", [2, dit.tokens, dit.width]);
  const prediction = graph.scope("head", () => dit.head(add(x, residual), conditioning));
  graph.output(cutNames.prediction, guide(graph, prediction, guidanceScale));
  return graph;
}

/** The graph of a step in a pipeline without caching: the computed step with nothing but its prediction. */
export function buildUncut(dit: DiffusionTransformer, options: CutOptions): Graph {
  const { graph, latent, guidanceScale } = begin(dit, options);
  const { prediction } = forward(dit, graph, latent, precisionOf(options));
  graph.output(cutNames.prediction, guide(graph, prediction, guidanceScale));
  return graph;
}

function begin(dit: DiffusionTransformer, { weights, provider = "cpu" }: CutOptions) {
  const graph = new Graph({ provider, weights });
  const { channels, frames, height, width } = dit.latent;
  const latent = graph.input(cutNames.latent, "float32", [1, channels, frames, height, width]);
  return { graph, latent, guidanceScale: graph.input(cutNames.guidanceScale, "float32", []) };
}

/**
 * Only the blocks' products are in `precision`. The stream they add to is float32, and so are `embed` and `head`, which
 * cost little and whose errors guidance would multiply: a reused step has no float16 at all.
 */
function forward(dit: DiffusionTransformer, graph: Graph, latent: Value, precision: Precision) {
  const { x: trunkIn, conditioning } = graph.scope("embed", () => dit.embed(graph, latent)); // [B, N, D]
  const residuals: Value[] = [];
  let trunkOut = trunkIn;
  let probe = trunkIn;
  for (let index = 0; index < dit.blocks; index++) {
    const block = graph.inPrecision(precision, () => dit.block(index, trunkOut, conditioning));
    trunkOut = block.x;
    residuals.push(...block.residuals);
    if (index === dit.probeBlock) probe = block.probe;
  }
  const prediction = graph.scope("head", () => dit.head(trunkOut, conditioning)); // [B, C, F, H, W]
  return { prediction, trunkIn, trunkOut, probe, residuals };
}

/** Classifier-free guidance (arXiv 2207.12598): unconditional + scale * (conditional - unconditional). */
function guide(graph: Graph, prediction: Value, scale: Value): Value {
  return graph.scope("guidance", () => {
    const conditional = slice(prediction, 0, 0, 1); // [1, C, F, H, W]
    const unconditional = slice(prediction, 0, 1, 2); // [1, C, F, H, W]
    return add(unconditional, mul(scale, sub(conditional, unconditional)));
  });
}
