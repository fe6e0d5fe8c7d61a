import { add, div, type Graph, slice, sub, sumAbs, type Value } from "../onnx/index.ts";
import type { DiffusionTransformer } from "./diffusion-transformer.ts";

/** Probes of a computed step and of the computed step before it. */
interface Probes {
  readonly probe: Value;
  /** Declares the input of the previous probe. */
  previous(): Value;
  readonly transformer: DiffusionTransformer;
}

/** Output of the graph of a computed step besides prediction and residual. */
interface GraphSignal {
  /** True if it compares the probe with that of the last computed step; it is meaningless at the first. */
  readonly comparesProbes?: true;
  /** Returns whether the signal exists for the videos of a transformer; by default it does. */
  isKnown?(transformer: DiffusionTransformer): boolean;
  measure(probes: Probes): Value;
}

/** Signals by the names of their outputs: float32 scalars, and the probe [B, N, D] itself. */
export const graphSignals = {
  probe: { measure: ({ probe }) => probe },
  change: {
    comparesProbes: true,
    measure: ({ probe, previous }) => change(previous(), probe),
  },
  motionScore: {
    isKnown: ({ tokenFrames }) => tokenFrames > 1,
    measure: ({ probe, transformer }) => motionScore(probe, transformer.tokensPerFrame),
  },
} as const satisfies Record<string, GraphSignal>;

export type GraphSignalName = keyof typeof graphSignals;

export function isGraphSignal(name: string): name is GraphSignalName {
  return Object.hasOwn(graphSignals, name);
}

export function graphSignal(name: GraphSignalName): GraphSignal {
  return graphSignals[name];
}

/** Returns whether any of these signals compares the probe with that of the last computed step. */
export function comparesProbes(names: Iterable<GraphSignalName>): boolean {
  return [...names].some((name) => graphSignal(name).comparesProbes);
}

/**
 * Adds the outputs of the signals asked for. If one of them compares probes, the probe is output too, for the next
 * step.
 */
export function outputSignals(graph: Graph, names: Iterable<GraphSignalName>, probes: Probes): void {
  const wanted = new Set(names);
  if (comparesProbes(wanted)) wanted.add("probe");
  for (const name of wanted) graph.output(name, graphSignal(name).measure(probes));
}

// Prevents 0/0 in the signals; far below any sum that float32 could tell from zero.
const TINY = 1e-30;

/**
 * Returns |previous - probe|_1 / |previous|_1 over the whole batch (AdaCache section 3.2, without the division by the
 * rate).
 */
function change(previous: Value, probe: Value): Value {
  return ratio(sumAbs(sub(previous, probe)), sumAbs(previous));
}

/** Returns |later - earlier|_1 / (|later|_1 + |earlier|_1) between neighbouring frames (AdaCache section 3.3). */
function motionScore(probe: Value, tokensPerFrame: number): Value {
  const tokens = probe.shape[1]!;
  if (tokens === tokensPerFrame) return probe.graph.constant(new Float32Array([0]), []);
  const later = slice(probe, 1, tokensPerFrame, tokens); // [B, N - H*W, D]
  const earlier = slice(probe, 1, 0, tokens - tokensPerFrame); // [B, N - H*W, D]
  return ratio(sumAbs(sub(later, earlier)), add(sumAbs(later), sumAbs(earlier)));
}

function ratio(numerator: Value, denominator: Value): Value {
  return div(numerator, add(denominator, TINY));
}
