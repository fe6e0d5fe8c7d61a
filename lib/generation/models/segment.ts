import {
  add,
  concat,
  type DType,
  Graph,
  mul,
  reshape,
  slice,
  sub,
  type Tensor,
  type Value,
} from "../onnx/index.ts";
import { type Condition, type Feeds, givenFrames, stepFeeds } from "./conditions/condition.ts";
import { beginCut, type CutOptions, cutNames, forecast, forward, guide, reusedPrediction } from "./cut.ts";
import type { DiffusionTransformer } from "./diffusion-transformer.ts";
import { type GraphSignalName, outputSignals } from "./signals.ts";

/**
 * Segment of a denoising run in one graph: a computed step and the reused steps after it. The graph takes the steps of
 * the sampler too, so that neither the residual nor a prediction leaves the device between two steps.
 *
 * The steps are unrolled instead of being the body of an ONNX Loop, because that costs little: with the demo model on
 * the CPU, each reused step adds 7 kB to the graph, and 16 of them no memory that could be measured.
 */

export interface SegmentOptions extends CutOptions {
  /** Number of reused steps, 1 or more. */
  readonly reused: number;
  /** True to forecast residuals of reused steps from those of two computed steps. */
  readonly forecast?: boolean;
  /** Signals of the computed step; see `buildFull`. */
  readonly signals?: Iterable<GraphSignalName>;
}

/** Names of the inputs and outputs of a segment of g reused steps that no single step has. */
export const segmentNames = {
  /** [g + 1, 2], the weights of latent and prediction in the latent after each step */
  samplerWeights: "samplerWeights",
  /** [g + 1, C, F, H, W], the latent after each step */
  latents: "latents",
} as const;

/**
 * Builds the graph of a segment. Inputs: latent, guidanceScale, those of the conditions, samplerWeights, and for a
 * forecast previousResidual and residualWeights [g, 2]. The inputs of a condition that change from step to step end in
 * the number of the step, as in `timestep.0`. Outputs: latents, and those of the computed step: prediction, residual,
 * signals.
 *
 * Every latent is an output, because how many steps may be reused often follows from the signals of the computed step.
 * A run then serves each number up to g.
 *
 * @throws RangeError if `reused` is not a whole number of at least 1
 */
export function buildSegment(dit: DiffusionTransformer, options: SegmentOptions): Graph {
  const { reused, forecast: forecasts = false, signals = [] } = options;
  if (!Number.isSafeInteger(reused) || reused < 1) {
    throw new RangeError(`a segment needs a whole number of reused steps, 1 or more, got ${reused}`);
  }
  const graph = new SegmentGraph(options, Object.keys(stepFeeds(dit.conditions, 0)));
  const start = beginCut(dit, options, graph);
  const trunk = [start.batch, dit.tokens, dit.width];
  const samplerWeights = graph.input(segmentNames.samplerWeights, "float32", [reused + 1, 2]);

  const computed = forward(dit, start, options);
  const prediction = guide(computed.prediction, start);
  const residual = graph.scope("signals", () => sub(computed.trunkOut, computed.trunkIn)); // [B, N, D]
  graph.output(cutNames.prediction, prediction);
  graph.output(cutNames.residual, residual);
  graph.scope("signals", () => {
    const previous = () => graph.input(cutNames.previousProbe, "float32", trunk);
    outputSignals(graph, signals, { probe: computed.probe, previous, transformer: dit });
  });

  const forecastAt = forecasts ? forecasting() : () => residual;
  let latent = take(0, start.latent, prediction);
  const latents: [Value, ...Value[]] = [latent];
  for (let step = 1; step <= reused; step++) {
    latent = graph.scope(`reused.${step}`, () => {
      graph.step = step;
      const at = { ...start, latent };
      return take(
        step,
        latent,
        reusedPrediction(dit, at, () => forecastAt(step)),
      );
    });
    latents.push(latent);
  }
  graph.output(segmentNames.latents, concat(latents, 0));
  return graph;

  function forecasting(): (step: number) => Value {
    const previous = graph.input(cutNames.previousResidual, "float32", trunk);
    const weights = graph.input(cutNames.residualWeights, "float32", [reused, 2]);
    return (step) => forecast(reshape(slice(weights, 0, step - 1, step), [2]), residual, previous);
  }

  function take(step: number, before: Value, prediction: Value): Value {
    const weights = slice(samplerWeights, 0, step, step + 1); // [1, 2]
    const weight = (which: number) => reshape(slice(weights, 1, which, which + 1), []);
    const after = add(mul(weight(0), before), mul(weight(1), prediction));
    const given = givenFrames(dit.conditions) ?? 0;
    if (given === 0) return after;
    return concat([slice(before, 2, 0, given), slice(after, 2, given, dit.latent.frames)], 2);
  }
}

/** Weights of latent and prediction in the latent after a step. */
interface TakenStep {
  readonly timestep: number;
  readonly latent: number;
  readonly prediction: number;
  /** Weights of the residuals of the last two computed steps, newest first; `[1]` by default. */
  readonly residuals?: readonly number[];
}

/**
 * Returns the feeds of a segment that differ from those of a single step.
 *
 * @param steps computed step and reused steps, in order; if they are fewer than the segment has, the latent stays as it
 *   is after the last one
 * @param reused number of reused steps that the graph was built for
 * @throws RangeError if there are no steps, or more than the segment has
 */
export function segmentFeeds(
  conditions: readonly Condition[],
  steps: readonly TakenStep[],
  reused: number,
): Feeds {
  const last = steps.at(-1);
  if (!last || steps.length > reused + 1) {
    throw new RangeError(`a segment of ${reused + 1} steps cannot take ${steps.length}`);
  }
  const resting = { timestep: last.timestep, latent: 1, prediction: 0 };
  const all = Array.from({ length: reused + 1 }, (_, index): TakenStep => steps[index] ?? resting);
  const named = all.flatMap(({ timestep }, step) =>
    Object.entries(stepFeeds(conditions, timestep)).map(([name, tensor]) => [stepName(name, step), tensor]),
  );
  return {
    ...Object.fromEntries(named),
    [segmentNames.samplerWeights]: pairs(all.map(({ latent, prediction }) => [latent, prediction])),
    [cutNames.residualWeights]: pairs(all.slice(1).map(({ residuals = [1] }) => residuals)),
  };
}

/** Returns a tensor [rows, 2] of rows of one or two numbers. */
function pairs(rows: readonly (readonly number[])[]): Tensor {
  const data = Float32Array.from(rows.flatMap(([first = 0, second = 0]) => [first, second]));
  return { dtype: "float32", shape: [rows.length, 2], data };
}

function stepName(name: string, step: number): string {
  return `${name}.${step}`;
}

/** Graph of several steps. A transformer declares its inputs at each, where only those of the step are new. */
class SegmentGraph extends Graph {
  /** Number of the step that is built. */
  step = 0;
  readonly #stepInputs: ReadonlySet<string>;
  readonly #declared = new Map<string, Value>();

  constructor(options: CutOptions, stepInputs: Iterable<string>) {
    super(options);
    this.#stepInputs = new Set(stepInputs);
  }

  override input(name: string, dtype: DType, shape: readonly number[]): Value {
    const declared = this.#stepInputs.has(name) ? stepName(name, this.step) : name;
    const value = this.#declared.get(declared) ?? super.input(declared, dtype, shape);
    this.#declared.set(declared, value);
    return value;
  }
}
