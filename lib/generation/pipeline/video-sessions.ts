import { type LatentDecoder, type LatentShape, latentDecoder, nominalSize } from "../models/index.ts";
import type { ResolvedRequest } from "../request/index.ts";
import { type OpenedRuns, openRuns } from "./continued-runs.ts";
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
  const { width, height, frames, fps, image, lastImage } = request;
  const { vae, options } = model;
  const decoder = latentDecoder(vae);
  const latentShape = latentShapeOf(decoder, { width, height, frames });
  const told = nominalSize(model.recipe, { width, height });
  const experts = expertsFor(
    model,
    {
      latent: latentShape,
      frames,
      ...told,
      fps,
      givenFrames: image === undefined ? 0 : 1,
      hasLastPicture: lastImage !== undefined,
      ...(model.vision && { pictureTokens: model.vision.encoder.tokens }),
    },
    { scales: guidanceScales(model, request), loras: loras.applied, ...needs },
  );
  let decoders: OpenedRuns | null = null;
  const release = async () => {
    await experts.release();
    await decoders?.release();
  };
  try {
    await experts.open(0);
    decoders = await openRuns(
      decoder.runs(latentShape),
      (run) => decoder.build({ ...latentShape, ...run }, { weights: vae.weights, ...options }),
      (graph) => openGraph(graph, vae.weights, options),
    );
    return {
      latentShape,
      experts,
      decoding: {
        runs: decoders.runs,
        frames,
        scale: decoder.scale,
        takesNoise: decoder.takesNoise ?? false,
      },
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
