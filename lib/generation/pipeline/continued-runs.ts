import { type ContinuedRun, decoderNames } from "../models/index.ts";
import type { Graph, Session, Tensor } from "../onnx/index.ts";
import { pauseUnlessCancelled } from "./denoise.ts";

/** A run of a decoder or an encoder, with its session. */
export interface OpenedRun {
  /** Number of frames that the run takes in. */
  readonly frames: number;
  readonly session: Session;
}

/** Sessions of consecutive runs; runs that are alike share one. */
export interface OpenedRuns {
  readonly runs: readonly OpenedRun[];
  release(): Promise<void>;
}

/** Builds the graphs of consecutive runs, one for those that are alike, in the order in which they are needed. */
export function runGraphs(
  runs: readonly ContinuedRun[],
  build: (run: ContinuedRun) => Graph,
): ReadonlyMap<string, Graph> {
  const graphs = new Map<string, Graph>();
  for (const run of runs) if (!graphs.has(keyOf(run))) graphs.set(keyOf(run), build(run));
  return graphs;
}

function keyOf(run: ContinuedRun): string {
  return JSON.stringify(run);
}

/**
 * Opens the sessions of consecutive runs. All graphs are built before the first session opens, so that a fault of the
 * weights is found early.
 */
export async function openRuns(
  runs: readonly ContinuedRun[],
  build: (run: ContinuedRun) => Graph,
  open: (graph: Graph, keptOutputs: readonly string[]) => Promise<Session>,
): Promise<OpenedRuns> {
  const graphs = runGraphs(runs, build);
  const sessions = new Map<string, Session>();
  const release = async () => {
    for (const session of sessions.values()) await session.release();
  };
  try {
    for (const [key, graph] of graphs) {
      const state = graph.model.outputs
        .map(({ name }) => name)
        .filter((name) => name.startsWith(decoderNames.after));
      sessions.set(key, await open(graph, state));
    }
  } catch (error) {
    await release();
    throw error;
  }
  return {
    runs: runs.map((run) => ({ frames: run.frames, session: sessions.get(keyOf(run))! })),
    release,
  };
}

/** Place of a run among all frames. */
export interface RunPlace {
  /** Index of the first frame that the run takes in. */
  readonly first: number;
  readonly frames: number;
}

/**
 * Runs sessions one after another and yields the outputs of each. The state that a run outputs is fed to the next run.
 *
 * @param feeds returns the feeds of a run besides its state
 * @throws CancelledError between two runs once `signal` is aborted
 */
export async function* continuedOutputs(
  runs: readonly OpenedRun[],
  feeds: (place: RunPlace) => Readonly<Record<string, Tensor>>,
  signal?: AbortSignal,
): AsyncGenerator<Readonly<Record<string, Tensor>>> {
  let first = 0;
  let left: Record<string, Tensor> = {};
  const releaseState = () => {
    for (const tensor of Object.values(left)) tensor.release?.();
  };
  try {
    for (const { frames, session } of runs) {
      await pauseUnlessCancelled(signal);
      const out = await session.run({ ...left, ...feeds({ first, frames }) });
      releaseState();
      left = feedsOfNext(out);
      yield out;
      first += frames;
    }
  } finally {
    releaseState();
  }
}

function feedsOfNext(out: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const { after, before } = decoderNames;
  const kept = Object.entries(out).filter(([name]) => name.startsWith(after));
  return Object.fromEntries(kept.map(([name, tensor]) => [before + name.slice(after.length), tensor]));
}
