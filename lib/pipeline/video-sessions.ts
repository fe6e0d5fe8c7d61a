import type { Checkpoint } from "../checkpoint/index.ts";
import {
  buildFull,
  buildReuse,
  type DiffusionTransformer,
  diffusionTransformer,
  type LatentDecoder,
  type LatentShape,
  latentDecoder,
} from "../models/index.ts";
import type { Graph, Session } from "../onnx/index.ts";
import type { ResolvedRequest } from "../request/index.ts";
import type { Decoding } from "./decode.ts";
import type { DenoisingSessions } from "./denoise.ts";
import { type ModelParts, openGraph } from "./model-parts.ts";

/** All that one shape of video needs opened: graphs have static shapes. */
export interface VideoSessions {
  readonly transformer: DiffusionTransformer;
  readonly latentShape: DiffusionTransformer["latent"];
  readonly denoising: DenoisingSessions;
  readonly decoding: Decoding;
  release(): Promise<void>;
}

/**
 * The decoder may leave weights of its file unused, those of the encoder it was trained with.
 *
 * @throws RangeError for a shape that transformer or decoder cannot make, CheckpointError where its weights are
 *   others than its config asks for
 */
export async function openVideoSessions(
  model: ModelParts,
  { width, height, frames, fps }: ResolvedRequest,
): Promise<VideoSessions> {
  const { transformer: transformerPart, vae, options } = model;
  const decoder = latentDecoder(vae);
  const latentShape = latentShapeOf(decoder, { width, height, frames });
  const transformer = diffusionTransformer(transformerPart, { latent: latentShape, height, width, fps });
  const cut = { weights: transformerPart.weights, ...options };
  const runs = decoder.runs(latentShape).map((run) => ({ ...run, key: JSON.stringify(run) }));
  const decoderGraphs = new Map<string, Graph>();
  for (const { key, ...run } of runs) {
    if (decoderGraphs.has(key)) continue;
    decoderGraphs.set(key, decoder.build({ ...latentShape, ...run }, { weights: vae.weights, ...options }));
  }
  const opened: Session[] = [];
  const release = async () => {
    for (const session of opened) await session.release();
  };
  const open = async (graph: Graph, weights: Checkpoint) => {
    const session = await openGraph(graph, weights, options);
    opened.push(session);
    return session;
  };
  try {
    const fullGraph = buildFull(transformer, cut);
    transformerPart.weights.checkAllUsed(transformer.otherTensors);
    const full = await open(fullGraph, transformerPart.weights);
    const reuse = await open(buildReuse(transformer, cut), transformerPart.weights);
    const decoders = new Map<string, Session>();
    for (const [key, graph] of decoderGraphs) decoders.set(key, await open(graph, vae.weights));
    const decodingRuns = runs.map((run) => ({ frames: run.frames, session: decoders.get(run.key)! }));
    return {
      transformer,
      latentShape,
      denoising: { full, reuse },
      decoding: { runs: decodingRuns, frames, scale: decoder.scale },
      release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/** @throws RangeError for a video that the decoder cannot make */
export function latentShapeOf(
  decoder: LatentDecoder,
  { width, height, frames }: Pick<ResolvedRequest, "width" | "height" | "frames">,
): LatentShape {
  const { channels, scale } = decoder;
  if (height % scale !== 0 || width % scale !== 0) {
    throw new RangeError(`This model's decoder makes multiples of ${scale} pixels, not ${width}x${height}.`);
  }
  return { channels, frames: decoder.latentFrames(frames), height: height / scale, width: width / scale };
}
