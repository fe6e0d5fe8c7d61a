import { openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import {
  buildFull,
  buildReuse,
  buildSegment,
  cutNames,
  segmentFeeds,
  segmentNames,
  stepFeeds,
} from "../../../lib/generation/models/index.ts";
import { type Graph, openSession, type Session, type Tensor } from "../../../lib/generation/onnx/index.ts";
import { eulerSampler, linearSteps } from "../../../lib/generation/sampling/index.ts";
import { ADACACHE_SIGNALS, firstVideo, openTransformer } from "../model/part.ts";
import { times } from "../rounds.ts";
import { quantile } from "../statistics.ts";
import type { SegmentResults } from "./results.ts";

const LENGTHS = [1, 2, 4, 8] as const;
const RUNS_PER_ROUND = 5;

/**
 * Times segments beside the same steps one by one, in turns, with random inputs. A segment returns what a loop needs of
 * it: the latents, the prediction and the signals, but not the residual.
 *
 * @param rounds number of rounds, each of which has the median of a few runs
 */
export async function timeSegments(folder: string, threads: number, rounds: number): Promise<SegmentResults> {
  const model = await openModelFolder(folder);
  const { dit, weights, feeds: makeFeeds } = await openTransformer(model, firstVideo(model));
  const open = (graph: Graph) =>
    openSession(graph.build(), { threads, weightsFolder: weights.root, weightBytes: graph.weightBytes });
  const cut = { weights, signals: ADACACHE_SIGNALS };
  const full = await open(buildFull(dit, cut));
  const reuse = await open(buildReuse(dit, cut));
  const feeds = makeFeeds();
  const levels = Array.from({ length: Math.max(...LENGTHS) + 1 }, (_, step) => 1 - step / 30);
  const sampler = eulerSampler({
    trainTimesteps: 1000,
    noiseLevels: levels,
    deltas: levels.map(() => 1 / 30),
  });

  async function stepwise(reused: number): Promise<void> {
    const latent = (feeds[cutNames.latent]!.data as Float32Array).slice();
    const at: Record<string, Tensor> = {
      ...feeds,
      [cutNames.latent]: { ...feeds[cutNames.latent]!, data: latent },
    };
    const take = sampler.start();
    for (let step = 0; step <= reused; step++) {
      const told = stepFeeds(dit.conditions, sampler.timesteps[step]!);
      const out = await (step === 0 ? full : reuse).run({ ...at, ...told });
      if (step === 0) at[cutNames.residual] = out[cutNames.residual]!;
      take(latent, out[cutNames.prediction]!.data as Float32Array, step);
    }
  }

  async function inOneRun(session: Session, reused: number): Promise<void> {
    const steps = linearSteps(sampler)
      .slice(0, reused + 1)
      .map((taken, step) => ({ ...taken, timestep: sampler.timesteps[step]! }));
    const outputs = [segmentNames.latents, cutNames.prediction, cutNames.probe, ...ADACACHE_SIGNALS];
    await session.run({ ...feeds, ...segmentFeeds(dit.conditions, steps, reused) }, outputs);
  }

  const lengths: SegmentResults["lengths"] = [];
  for (const reused of LENGTHS) {
    const graph = buildSegment(dit, { ...cut, reused });
    const began = performance.now();
    const session = await open(graph);
    const opened = performance.now() - began;
    const ours = () => medianMs(() => inOneRun(session, reused));
    const others = () => medianMs(() => stepwise(reused));
    await ours(); // the first runs allocate memory
    await others();
    const taken = await times(rounds, async () => ({ segment: await ours(), stepwise: await others() }));
    await session.release();
    lengths.push({
      reused,
      segment: taken.map(({ segment }) => segment),
      stepwise: taken.map(({ stepwise }) => stepwise),
      graphBytes: graph.build().length,
      open: opened,
    });
  }
  await full.release();
  await reuse.release();
  return { threads, lengths };
}

async function medianMs(work: () => Promise<void>): Promise<number> {
  const milliseconds = await times(RUNS_PER_ROUND, async () => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  });
  return quantile(milliseconds, 0.5);
}
