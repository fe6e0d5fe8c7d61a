import { type ContinuedRun, type DecoderRun, decoderNames } from "../models/index.ts";
import type { Graph, Session, Tensor } from "../onnx/index.ts";
import { pauseUnlessCancelled } from "./denoise.ts";

/** A run of a decoder or an encoder, with its session. */
export type OpenedRun<Run extends ContinuedRun = ContinuedRun> = Run & {
  readonly session: Pick<Session, "run">;
};

/** Sessions of consecutive runs; runs that are alike share one. */
export interface OpenedRuns<Run extends ContinuedRun = ContinuedRun> {
  readonly runs: readonly OpenedRun<Run>[];
  release(): Promise<void>;
}

/** Builds the graphs of consecutive runs, one for those that are alike, in the order in which they are needed. */
export function runGraphs<Run extends ContinuedRun>(
  runs: readonly Run[],
  build: (run: Run) => Graph,
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
export async function openRuns<Run extends ContinuedRun>(
  runs: readonly Run[],
  build: (run: Run) => Graph,
  open: (graph: Graph, keptOutputs: readonly string[]) => Promise<Session>,
): Promise<OpenedRuns<Run>> {
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
    runs: runs.map((run) => ({ ...run, session: sessions.get(keyOf(run))! })),
    release,
  };
}

/** Tells if a decoder's sessions are to take turns: all runs of one come before those of the next. */
export function takeTurns(runs: readonly DecoderRun[]): boolean {
  return runs.some(({ takesFeatures }) => takesFeatures);
}

/**
 * Prepares consecutive runs whose sessions take turns: each is opened by its first run, and released before that of
 * another run opens and after the last run. All graphs are built at once, so that a fault of the weights is found
 * early.
 */
export function runsInTurn<Run extends ContinuedRun>(
  runs: readonly Run[],
  build: (run: Run) => Graph,
  open: (graph: Graph) => Promise<Session>,
): OpenedRuns<Run> {
  const graphs = runGraphs(runs, build);
  let current: { readonly key: string; readonly session: Session } | null = null;
  async function release(): Promise<void> {
    const opened = current;
    current = null;
    await opened?.session.release();
  }
  async function sessionOf(key: string): Promise<Session> {
    if (current?.key === key) return current.session;
    await release();
    current = { key, session: await open(graphs.get(key)!) };
    return current.session;
  }
  const opened = runs.map((run, index) => ({
    ...run,
    session: {
      async run(feeds: Readonly<Record<string, Tensor>>) {
        const out = await (await sessionOf(keyOf(run))).run(feeds);
        if (index === runs.length - 1) await release();
        return out;
      },
    },
  }));
  return { runs: opened, release };
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
