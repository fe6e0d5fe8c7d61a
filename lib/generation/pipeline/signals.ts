import type { Measured, SignalAfter, SignalBefore, SignalName } from "../caching/index.ts";
import {
  comparesProbes,
  type DiffusionTransformer,
  type GraphSignalName,
  graphSignal,
  isGraphSignal,
} from "../models/index.ts";
import type { Tensor } from "../onnx/index.ts";
import type { Kept } from "./kept.ts";

/** Signals that graphs measure; the host computes the others from latents and predictions. */
type PolicySignal = Extract<SignalName, GraphSignalName>;

/** Returns the signals of a policy that the graph of a computed step has to measure. */
export function graphSignalsOf(names: readonly SignalName[]): PolicySignal[] {
  return names.filter((name): name is PolicySignal => isGraphSignal(name));
}

/**
 * Returns the signals that are known before a step; those that the policy does not name are null.
 *
 * @param before latent of the step before; null at the first step
 */
export function latentSignals(
  names: readonly SignalName[],
  before: Float32Array | null,
  now: Float32Array,
): Measured<SignalBefore> {
  return {
    latentChange: names.includes("latentChange") && before ? meanChange(before, now) : null,
    latentSize: names.includes("latentSize") ? meanSize(now) : null,
  };
}

export interface ComputedStep {
  readonly transformer: DiffusionTransformer;
  /** Outputs of the graph, which include the policy's signals. */
  readonly out: Readonly<Record<string, Tensor>>;
  /** True at the first step of a transformer, before which there is neither a probe nor a prediction. */
  readonly isFirst: boolean;
  readonly prediction: Float32Array;
  /** Latent that the prediction was made from. */
  readonly latent: Float32Array;
  /** Tensors that earlier computed steps keep, and the clean latent of this one. */
  readonly kept: Pick<Kept, "prediction" | "latent" | "cleanLatents">;
}

const CLEAN_SIGNALS: readonly SignalName[] = ["cleanSquare", "cleanProduct", "cleanProductBefore"];

/** Returns whether a policy needs the clean latents of computed steps. */
export function needsCleanLatents(names: readonly SignalName[]): boolean {
  return CLEAN_SIGNALS.some((name) => names.includes(name));
}

/** Returns the signals of a computed step. Signals that the policy does not name are null and are not computed. */
export function computedSignals(names: readonly SignalName[], step: ComputedStep): Measured<SignalAfter> {
  const { out, transformer, isFirst, prediction, latent, kept } = step;
  const [clean, ...before] = kept.cleanLatents;
  const productOf = (name: SignalName, other: Float32Array | undefined) =>
    names.includes(name) && clean && other ? meanProduct(clean, other) : null;
  const fromGraph = (name: PolicySignal) => {
    const isUnknown =
      graphSignal(name).isKnown?.(transformer) === false || (isFirst && comparesProbes([name]));
    return names.includes(name) && !isUnknown ? Number(out[name]!.data[0]) : null;
  };
  return {
    change: fromGraph("change"),
    motionScore: fromGraph("motionScore"),
    predictionChange:
      names.includes("predictionChange") && kept.prediction ? meanChange(kept.prediction, prediction) : null,
    predictionSize: names.includes("predictionSize") ? meanSize(prediction) : null,
    latentDistance: names.includes("latentDistance") && kept.latent ? meanChange(kept.latent, latent) : null,
    cleanSquare: productOf("cleanSquare", clean),
    cleanProduct: productOf("cleanProduct", before[0]),
    cleanProductBefore: productOf("cleanProductBefore", before[1]),
  };
}

function meanChange(before: Float32Array, now: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < now.length; i++) sum += Math.abs(now[i]! - before[i]!);
  return sum / now.length;
}

function meanProduct(values: Float32Array, others: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * others[i]!;
  return sum / values.length;
}

function meanSize(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
  return sum / values.length;
}
