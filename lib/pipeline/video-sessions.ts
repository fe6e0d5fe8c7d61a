import {
  buildFull,
  buildReuse,
  type DiffusionTransformer,
  diffusionTransformer,
  latentDecoder,
} from "../models/index.ts";
import type { Session } from "../onnx/index.ts";
import { framesPerRun } from "./decode.ts";
import type { DenoisingSessions } from "./denoise.ts";
import { type ModelParts, openGraph } from "./model-parts.ts";
import type { ResolvedRequest } from "./request.ts";

/** All that one shape of video needs opened: graphs have static shapes. */
export interface VideoSessions {
  readonly transformer: DiffusionTransformer;
  readonly latentShape: DiffusionTransformer["latent"];
  readonly denoising: DenoisingSessions;
  readonly decoder: Session;
  readonly decoding: { perRun: number; scale: number };
  release(): Promise<void>;
}

/** @throws RangeError for a shape the transformer cannot make */
export async function openVideoSessions(
  model: ModelParts,
  { width, height, frames, fps }: ResolvedRequest,
): Promise<VideoSessions> {
  const { transformer: transformerPart, vae, options } = model;
  const decoder = latentDecoder(vae);
  const { channels, scale } = decoder;
  const latentShape = {
    channels,
    frames,
    height: Math.floor(height / scale),
    width: Math.floor(width / scale),
  };
  const transformer = diffusionTransformer(transformerPart, { latent: latentShape, height, width, fps });
  const cut = { weights: transformerPart.weights, ...options };
  const perRun = framesPerRun(frames, height, width);
  const decoderGraph = decoder.build(
    { frames: perRun, height: latentShape.height, width: latentShape.width },
    { weights: vae.weights, ...options },
  );
  const full = await openGraph(buildFull(transformer, cut), transformerPart.weights, options);
  const reuse = await openGraph(buildReuse(transformer, cut), transformerPart.weights, options);
  const decoderSession = await openGraph(decoderGraph, vae.weights, options);
  return {
    transformer,
    latentShape,
    denoising: { full, reuse },
    decoder: decoderSession,
    decoding: { perRun, scale },
    async release() {
      for (const session of [full, reuse, decoderSession]) await session.release();
    },
  };
}
