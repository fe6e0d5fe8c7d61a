import {
  add,
  cast,
  defaultPrecision,
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
import type { GuidanceBatch } from "./guidance-batch.ts";
import { type GraphSignalName, outputSignals } from "./signals.ts";

/**
 * Cuts a diffusion transformer at the two ends of its trunk, without changing it.
 *
 * Every block only adds to the stream, so everything that a step contributes between `embed` and `head` is one tensor,
 * R = trunk out - trunk in. A step that reuses R is `head(embed(latent) + R)`.
 */

export interface CutOptions {
  readonly weights: WeightSource;
  readonly provider?: Provider;
  /** Precision of the matrix products in the blocks; float16 on CUDA by default, float32 elsewhere. */
  readonly precision?: Precision;
  /** Indices of blocks whose products are float32 whatever the precision; none by default. */
  readonly floatBlocks?: ReadonlySet<number>;
  /**
   * Batch of the graph: both guidance halves by default. With 1 the prediction is that of the conditional half, without
   * guidance.
   */
  readonly batch?: GuidanceBatch;
  /** Bytes of weights from which sessions map them, as in `SessionOptions`. */
  readonly mappedBytesMin?: number;
  /** True to hold float32 copies of 16-bit weights; false by default. */
  readonly holdsCopies?: boolean;
}

/**
 * Returns the precision of the matrix products in the blocks: that of the options, or else the default of the provider.
 */
export function precisionOf({ provider, precision }: Pick<CutOptions, "provider" | "precision">): Precision {
  return precision ?? defaultPrecision(provider);
}

/** Names of the graph inputs and outputs that the cuts share; the conditions of the transformer add their own. */
export const cutNames = {
  /** [1, C, F, H, W] */
  latent: "latent",
  /** scalar; an input of a batch of 2 only */
  guidanceScale: "guidanceScale",
  /** [B, N, D]; zeros before the first computed step */
  previousProbe: "previousProbe",
  /** [1, C, F, H, W], after guidance */
  prediction: "prediction",
  /** R [B, N, D]: output of a computed step, input of a reused one */
  residual: "residual",
  /** R [B, N, D] of the computed step before the last, an input of a forecast */
  previousResidual: "previousResidual",
  /** [2], weights of both residuals in a forecast, the newer first */
  residualWeights: "residualWeights",
  /** [B, N, D] */
  probe: "probe",
} as const;

/**
 * Builds the graph of a computed step. Inputs: latent, guidanceScale and those of the conditions. Outputs: prediction,
 * residual.
 *
 * @param options.signals further outputs, none by default; a signal that compares probes adds the input previousProbe
 *   and the output probe
 * @param options.blockResiduals whether to output every residual that the blocks add, as `residual.0`, `residual.1`,
 *   ... in order
 */
export function buildFull(
  dit: DiffusionTransformer,
  options: CutOptions & { signals?: Iterable<GraphSignalName>; blockResiduals?: boolean },
): Graph {
  const start = beginCut(dit, options);
  const { graph, batch } = start;
  const cuts = forward(dit, start, options);
  const { prediction, trunkIn, trunkOut, probe } = cuts;
  graph.output(cutNames.prediction, guide(prediction, start));
  graph.scope("signals", () => {
    graph.output(cutNames.residual, sub(trunkOut, trunkIn)); // [B, N, D]
    const previous = () => graph.input(cutNames.previousProbe, "float32", [batch, dit.tokens, dit.width]);
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
 * Builds the graph of a reused step. Inputs: latent, guidanceScale, residual and those of the conditions of a step.
 * Output: prediction.
 */
export function buildReuse(dit: DiffusionTransformer, options: CutOptions): Graph {
  return buildWithResidual(dit, options, (input) => input(cutNames.residual));
}

/**
 * Builds the graph of a reused step that forecasts its residual from those of the last two computed steps. Further
 * inputs: previousResidual and residualWeights, by which both are multiplied before they are added.
 */
export function buildForecast(dit: DiffusionTransformer, options: CutOptions): Graph {
  return buildWithResidual(dit, options, (input, graph) => {
    const weights = graph.input(cutNames.residualWeights, "float32", [2]);
    return forecast(weights, input(cutNames.residual), input(cutNames.previousResidual));
  });
}

/** Returns the sum of two residuals, the newer first, multiplied by `weights` [2]. */
export function forecast(weights: Value, newer: Value, older: Value): Value {
  return add(mul(slice(weights, 0, 0, 1), newer), mul(slice(weights, 0, 1, 2), older));
}

function buildWithResidual(
  dit: DiffusionTransformer,
  options: CutOptions,
  residualOf: (input: (name: string) => Value, graph: Graph) => Value,
): Graph {
  const start = beginCut(dit, options);
  const { graph, batch } = start;
  const input = (name: string) => graph.input(name, "float32", [batch, dit.tokens, dit.width]);
  const prediction = reusedPrediction(dit, start, () => residualOf(input, graph));
  graph.output(cutNames.prediction, prediction);
  return graph;
}

/** Returns the guided prediction of a step that adds a residual in place of the blocks. */
export function reusedPrediction(dit: DiffusionTransformer, start: CutStart, residualOf: () => Value): Value {
  const { graph, latent, batch } = start;
  const { x, conditioning } = graph.scope("embed", () => dit.embed(graph, latent, batch));
  const residual = graph.scope("forecast", residualOf);
  return guide(
    graph.scope("head", () => dit.head(add(x, residual), conditioning)),
    start,
  );
}

/** Builds the graph of a step in a pipeline without caching: a computed step whose only output is the prediction. */
export function buildUncut(dit: DiffusionTransformer, options: CutOptions): Graph {
  const start = beginCut(dit, options);
  const { prediction } = forward(dit, start, options);
  start.graph.output(cutNames.prediction, guide(prediction, start));
  return start.graph;
}

/** Beginning of every graph that is cut from a transformer. */
export interface CutStart {
  readonly graph: Graph;
  readonly batch: GuidanceBatch;
  readonly latent: Value;
  /** Null in a batch of 1, which has no guidance. */
  readonly guidanceScale: Value | null;
}

/** Begins a graph with the inputs that do not depend on the conditions of a transformer. */
export function beginCut(
  dit: DiffusionTransformer,
  { batch = 2, ...options }: CutOptions,
  graph = new Graph(options),
): CutStart {
  const { channels, frames, height, width } = dit.latent;
  const latent = graph.input(cutNames.latent, "float32", [1, channels, frames, height, width]);
  const guidanceScale = batch === 2 ? graph.input(cutNames.guidanceScale, "float32", []) : null;
  return { graph, batch, latent, guidanceScale };
}

/**
 * Runs `embed`, the blocks and `head`. Only the matrix products of the blocks are in `precision`. The stream, `embed`
 * and `head` are float32: they cost little, and guidance would multiply their errors. A reused step therefore has no
 * float16 at all.
 */
export function forward(
  dit: DiffusionTransformer,
  { graph, latent, batch }: CutStart,
  options: Pick<CutOptions, "provider" | "precision" | "floatBlocks">,
) {
  const precision = precisionOf(options);
  const precisionIn = (block: number) => (options.floatBlocks?.has(block) ? "float32" : precision);
  const { x: trunkIn, conditioning } = graph.scope("embed", () => dit.embed(graph, latent, batch)); // [1, N, D]
  const residuals: Value[] = [];
  let trunkOut = trunkIn;
  let probe = trunkIn;
  for (let index = 0; index < dit.blocks; index++) {
    const block = graph.inPrecision(precisionIn(index), () => dit.block(index, trunkOut, conditioning));
    trunkOut = block.x;
    residuals.push(...block.residuals);
    if (index === dit.probeBlock) probe = block.probe;
  }
  const prediction = graph.scope("head", () => dit.head(trunkOut, conditioning)); // [B, C, F, H, W]
  return { prediction, trunkIn, trunkOut, probe, residuals };
}

/**
 * Applies classifier-free guidance (arXiv 2207.12598): unconditional + scale * (conditional - unconditional). In a
 * batch of 1 the prediction is left as it is.
 */
export function guide(prediction: Value, { graph, guidanceScale }: CutStart): Value {
  if (!guidanceScale) return prediction;
  return graph.scope("guidance", () => {
    const conditional = slice(prediction, 0, 0, 1); // [1, C, F, H, W]
    const unconditional = slice(prediction, 0, 1, 2); // [1, C, F, H, W]
    return add(unconditional, mul(guidanceScale, sub(conditional, unconditional)));
  });
}
