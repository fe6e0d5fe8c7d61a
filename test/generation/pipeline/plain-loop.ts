import type { CachePolicy } from "../../../lib/generation/caching/index.ts";
import type { ModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import {
  buildFull,
  buildReuse,
  buildUncut,
  type DiffusionTransformer,
  diffusionTransformer,
  type Feeds,
  familyOf,
  generationFeeds,
  latentDecoder,
  stepFeeds,
  type TextStates,
  textEncoder,
} from "../../../lib/generation/models/index.ts";
import { type Graph, openSession, type Session, type Tensor } from "../../../lib/generation/onnx/index.ts";
import { openTokenizer } from "../../../lib/generation/pipeline/text/tokenizer.ts";
import { videoLimitsSchema } from "../../../lib/generation/request/index.ts";
import { evenShares, gaussianNoise, samplerOf } from "../../../lib/generation/sampling/index.ts";
import { ask, tell } from "../caching/replay.ts";

/** Plain denoising loop, with as little of the pipeline as possible. */

export interface PlainRequest {
  readonly prompt: string;
  readonly seed: number;
  readonly steps: number;
  readonly guidanceScale: number;
}

/** Returns the latent of a loop without cache code: one uncut graph, run at every step. */
export async function denoiseUncut(model: ModelFolder, request: PlainRequest): Promise<Float32Array> {
  return withTransformer(model, request, async ({ dit, open, feedsOf, steps, latent, step }) => {
    const session = await open((weights) => buildUncut(dit, { weights }));
    for (let i = 0; i < steps; i++) step(i, (await session.run(feedsOf(i))).prediction!);
    return latent;
  });
}

/**
 * Returns the 1-based steps that AdaCache's rule computes, and the latent. The residual of a computed step is kept and
 * added at reused steps. The signals are measured here, in float64, on the probes that the graph outputs.
 */
export async function denoiseByRule(
  model: ModelFolder,
  request: PlainRequest,
  policy: CachePolicy,
): Promise<{ computed: number[]; latent: Float32Array }> {
  return withTransformer(model, request, async ({ dit, open, feedsOf, steps, latent, step }) => {
    const full = await open((weights) => buildFull(dit, { weights, signals: ["probe"] }));
    const reuse = await open((weights) => buildReuse(dit, { weights }));
    const computed: number[] = [];
    let cache = policy.start(steps);
    let kept: { residual: Tensor; probe: Tensor } | null = null;
    for (let i = 0; i < steps; i++) {
      const { answer, next } = ask(cache, i);
      cache = next;
      if (kept && answer === "reuse") {
        const out = await reuse.run({ ...feedsOf(i), residual: kept.residual });
        step(i, out.prediction!);
        continue;
      }
      const out = await full.run(feedsOf(i));
      const probe = out.probe!.data as Float32Array;
      cache = tell(cache, i, {
        change: kept && change(kept.probe.data as Float32Array, probe),
        motionScore: dit.tokenFrames > 1 ? motionScore(probe, dit) : null,
      }).next;
      computed.push(i + 1);
      kept = { residual: out.residual!, probe: out.probe! };
      step(i, out.prediction!);
    }
    return { computed, latent };
  });
}

function change(before: Float32Array, now: Float32Array): number {
  let [difference, size] = [0, 0];
  for (const [i, value] of before.entries()) {
    difference += Math.abs(value - now[i]!);
    size += Math.abs(value);
  }
  return difference / size;
}

/** Returns the motion score over both guidance halves, in which each frame is compared with the frame before it. */
function motionScore(probe: Float32Array, { tokens, tokensPerFrame, width }: DiffusionTransformer): number {
  let [difference, size] = [0, 0];
  const frame = tokensPerFrame * width;
  for (let half = 0; half < 2; half++) {
    const start = half * tokens * width;
    for (let i = start + frame; i < start + tokens * width; i++) {
      const [later, earlier] = [probe[i]!, probe[i - frame]!];
      difference += Math.abs(later - earlier);
      size += Math.abs(later) + Math.abs(earlier);
    }
  }
  return difference / size;
}

type Weights = Awaited<ReturnType<ReturnType<ModelFolder["part"]>["checkpoint"]>>;

interface Denoising {
  readonly dit: DiffusionTransformer;
  readonly steps: number;
  /** Latent, changed in place. */
  readonly latent: Float32Array;
  open(build: (weights: Weights) => Graph): Promise<Session>;
  feedsOf(step: number): Record<string, Tensor>;
  step(index: number, prediction: Tensor): void;
}

async function withTransformer<R>(
  model: ModelFolder,
  { prompt, seed, steps, guidanceScale }: PlainRequest,
  work: (denoising: Denoising) => Promise<R>,
): Promise<R> {
  const { sizes, frames: lengths, fps } = videoLimitsSchema.parse(model.index.video);
  const [width, height] = sizes[0]!;
  const decoder = latentDecoder(model.part("vae"));
  const { channels, scale } = decoder;
  const frames = decoder.latentFrames(lengths[0]!);
  const shape = { channels, frames, height: height / scale, width: width / scale };
  const part = model.part("transformer");
  const dit = diffusionTransformer(part, {
    latent: shape,
    frames: lengths[0]!,
    height,
    width,
    fps: fps[0]!,
  });
  const weights = await part.checkpoint();
  const text = await textFeeds(model, dit, prompt, weights);
  const latent = gaussianNoise(seed, channels * frames * shape.height * shape.width);
  const sampler = samplerOf(model.part("scheduler"))({
    steps,
    height,
    width,
    latentFrames: frames,
    tokens: dit.tokens,
    ...(familyOf(model.index)?.recipe?.noise_spacing === "even" && { shares: evenShares(steps, 1 / steps) }),
  });
  const stepLatent = sampler.start();
  const sessions: Session[] = [];
  try {
    return await work({
      dit,
      steps: sampler.timesteps.length,
      latent,
      async open(build) {
        const session = await openGraph(build(weights), weights);
        sessions.push(session);
        return session;
      },
      feedsOf: (i) => ({
        ...text,
        ...stepFeeds(dit.conditions, sampler.timesteps[i]!),
        latent: float32(latent, [1, channels, frames, shape.height, shape.width]),
        guidanceScale: float32(Float32Array.of(guidanceScale), []),
      }),
      step: (i, prediction) => stepLatent(latent, prediction.data as Float32Array, i),
    });
  } finally {
    for (const session of sessions) await session.release();
  }
}

async function textFeeds(
  model: ModelFolder,
  dit: DiffusionTransformer,
  prompt: string,
  transformer: Weights,
): Promise<Feeds> {
  const part = model.part("text_encoder");
  const weights = await part.checkpoint();
  const encoder = textEncoder(part);
  const tokenizer = await openTokenizer(model.part("tokenizer").folder, model.part("tokenizer").config);
  const session = await openGraph(encoder.build(dit.text.length, { weights }), weights);
  const encode = async (text: string, rows?: number): Promise<TextStates> => {
    const { ids } = tokenizer.tokenise(text, dit.text.length);
    const { states } = await session.run(encoder.feeds(ids, dit.text.length, dit.text));
    const tokens = rows ?? ids.length;
    return { tokens, data: (states!.data as Float32Array).slice(0, tokens * encoder.width) };
  };
  const conditional = await encode(prompt);
  const rows = dit.text.sharesLength ? conditional.tokens : undefined;
  const unconditional =
    (await dit.text.learntText?.(transformer, conditional.tokens)) ?? (await encode("", rows));
  await session.release();
  return generationFeeds(dit.conditions, { texts: [conditional, unconditional] });
}

function openGraph(graph: Graph, weights: Weights): Promise<Session> {
  return openSession(graph.build(), {
    weightsFolder: weights.root,
    threads: 1,
    weightBytes: graph.weightBytes,
  });
}

function float32(data: Float32Array, shape: readonly number[]): Tensor {
  return { dtype: "float32", shape, data };
}
