import { type LatentDecoder, type LatentShape, latentDecoder, nominalSize } from "../models/index.ts";
import type { Graph, Session } from "../onnx/index.ts";
import type { ResolvedRequest } from "../request/index.ts";
import type { Decoding } from "./decode.ts";
import { type Experts, expertsFor, type GraphNeeds, guidanceScales } from "./experts.ts";
import type { OpenedLoras } from "./model/open-loras.ts";
import { type ModelParts, openGraph } from "./model/parts.ts";

/** Sessions of one shape of video; graphs have static shapes. */
export interface VideoSessions {
  readonly latentShape: LatentShape;
  readonly experts: Experts;
  readonly decoding: Decoding;
  release(): Promise<void>;
}

/**
 * Opens the sessions of one shape of video. The decoder may leave weights of its file unused, because the file also
 * holds the encoder.
 *
 * @throws RangeError for a shape that transformer or decoder cannot make, CheckpointError if weights do not match their
 *   config
 */
export async function openVideoSessions(
  model: ModelParts,
  request: ResolvedRequest,
  { loras, ...needs }: GraphNeeds & { readonly loras: OpenedLoras },
): Promise<VideoSessions> {
  const { width, height, frames, fps, image } = request;
  const { vae, options } = model;
  const decoder = latentDecoder(vae);
  const latentShape = latentShapeOf(decoder, { width, height, frames });
  const told = nominalSize(model.recipe, { width, height });
  const experts = expertsFor(
    model,
    { latent: latentShape, frames, ...told, fps, givenFrames: image === undefined ? 0 : 1 },
    { scales: guidanceScales(model, request), loras: loras.applied, ...needs },
  );
  const runs = decoder.runs(latentShape).map((run) => ({ ...run, key: JSON.stringify(run) }));
  const graphs = new Map<string, Graph>();
  for (const { key, ...run } of runs) {
    if (graphs.has(key)) continue;
    graphs.set(key, decoder.build({ ...latentShape, ...run }, { weights: vae.weights, ...options }));
  }
  const decoders = new Map<string, Session>();
  const release = async () => {
    await experts.release();
    for (const session of decoders.values()) await session.release();
  };
  try {
    await experts.open(0);
    for (const [key, graph] of graphs) decoders.set(key, await openGraph(graph, vae.weights, options));
    const decodingRuns = runs.map((run) => ({ frames: run.frames, session: decoders.get(run.key)! }));
    return {
      latentShape,
      experts,
      decoding: { runs: decodingRuns, frames, scale: decoder.scale },
      release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/**
 * Returns the shape of the latent that the decoder turns into such a video.
 *
 * @throws RangeError for a video that the decoder cannot make
 */
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
