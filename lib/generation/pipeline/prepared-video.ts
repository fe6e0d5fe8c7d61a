import type { CachePolicy } from "../caching/index.ts";
import { generationFeeds, givenFrames, guidanceBatch, nominalSize } from "../models/index.ts";
import type { Graph } from "../onnx/index.ts";
import type { PreviewShape } from "../preview/index.ts";
import type { ResolvedRequest } from "../request/index.ts";
import { gaussianNoise, withGivenFrames, withNoisyFrames } from "../sampling/index.ts";
import type { Frames } from "../video/index.ts";
import { decodeFrames } from "./decode.ts";
import type { DenoiseOptions } from "./denoise.ts";
import type { Denoiser, DenoisingSessions } from "./denoiser.ts";
import { beginWith, encodePictures } from "./encode-pictures.ts";
import { guidanceScales } from "./experts.ts";
import { readPictures } from "./given-pictures.ts";
import type { OpenedLoras } from "./model/open-loras.ts";
import type { EncodedPrompt, ModelParts } from "./model/parts.ts";
import type { ResidentPart } from "./model/residency.ts";
import type { Observer } from "./observer.ts";
import type { RunProgress } from "./progress.ts";
import type { SharedSessions } from "./shared-sessions.ts";
import { encodePrompts } from "./text/prompts.ts";
import { type ReadTexts, readTexts } from "./text/read-texts.ts";

/** Video of a request up to its first denoising step: what it is made of is loaded and encoded. */
export interface PreparedVideo {
  readonly request: ResolvedRequest;
  readonly policy: CachePolicy;
  /** The request without a negative prompt that no guidance uses. */
  readonly asked: ResolvedRequest;
  readonly isGuided: boolean;
  readonly read: ReadTexts;
  readonly texts: readonly [EncodedPrompt, ...EncodedPrompt[]];
  readonly loras: OpenedLoras;
  /** Noise [C, F, H, W], which begins with the given frames. Denoising makes it the latent of the video. */
  readonly latent: Float32Array;
  readonly shape: PreviewShape;
  readonly denoising: Pick<DenoiseOptions, "successor" | "sampler" | "signal">;
  /** Opens the first transformer, whose memory may have been taken since it was opened last. */
  openFirst(): Promise<Denoiser>;
  openDecoder(): Promise<void>;
  decode(latent: Float32Array): Promise<Frames>;
}

export interface PrepareOptions {
  readonly model: ModelParts;
  readonly policy: CachePolicy;
  readonly shared: SharedSessions;
  readonly observer: Observer | undefined;
  readonly progress: RunProgress;
  readonly signal: AbortSignal;
}

/**
 * Opens what the video of a request needs, and encodes its texts and pictures.
 *
 * @throws the errors of `Pipeline.generate`
 */
export async function prepareVideo(
  request: ResolvedRequest,
  { model, policy, shared, observer, progress, signal }: PrepareOptions,
): Promise<PreparedVideo> {
  const scales = guidanceScales(model, request);
  const batch = guidanceBatch(...scales);
  const isGuided = batch === 2;
  const asked = isGuided ? request : { ...request, negativePrompt: null };
  const read = readTexts(model, asked);
  const pictures = await readPictures(request, model.recipe);
  const [loras, sessions] = await progress.timed("load", async () => {
    const loras = await model.loras.open(request);
    const sessions = await shared.of(request, policy, loras);
    await sessions.open();
    return [loras, sessions];
  });
  const { experts, latentShape } = sessions;
  const { channels, frames, height, width } = latentShape;
  const { conditions, text, tokens } = experts.transformers[0]!;
  const latent = gaussianNoise(request.seed, channels * frames * height * width);
  const given = givenFrames(conditions) ?? 0;

  const { texts, encoded } = await progress.timed("encode", async () => {
    const shape = { frames: request.frames, latent: latentShape };
    if (pictures) await sessions.makeRoom("image_encoder");
    const encoded = pictures && (await encodePictures(pictures, { conditions }, shape, { model, signal }));
    if (encoded && given > 0) beginWith(encoded.latent, latent, latentShape);
    await sessions.makeRoom("text_encoder");
    return { texts: await encodePrompts(model, text, { ...read, batch }), encoded };
  });

  function samplerOfVideo() {
    const told = nominalSize(model.recipe, request);
    const { steps, seed } = request;
    const free = model.samplerWith(request)({ steps, ...told, latentFrames: frames, tokens, seed });
    if (given === 0) return free;
    const { given_noise: scale } = model.recipe;
    const kept = { channels, frames, given };
    return scale > 0 ? withNoisyFrames(free, latent, { ...kept, scale, seed }) : withGivenFrames(free, kept);
  }
  const sampler = samplerOfVideo();
  progress.steps = sampler.timesteps.length;

  function denoiser(index: number, opened: DenoisingSessions): Denoiser {
    const [transformer, guidanceScale] = [experts.transformers[index]!, scales[index]!];
    const feeds = generationFeeds(transformer.conditions, {
      texts: texts.slice(0, guidanceBatch(guidanceScale)),
      ...(encoded && { pictures: encoded }),
    });
    const open = (graph: Graph) => experts.openGraph(index, graph);
    const of = { transformer, guidanceScale, sampler, cut: experts.cut(index), open };
    return { transformer, sessions: observer?.through(opened, of) ?? opened, guidanceScale, feeds };
  }

  /** Opens a part that is used next, where memory was too small to open it before. */
  async function ready<R>(part: ResidentPart, open: () => Promise<R>): Promise<R> {
    return sessions.isOpen(part) ? open() : progress.timed("load", open);
  }

  const openDecoder = () => ready("decoder", () => sessions.openDecoding());
  const successor = {
    below: model.boundaryTimestep,
    async open() {
      progress.report("load");
      return denoiser(1, await sessions.openExpert(1));
    },
  };
  return {
    request,
    policy,
    asked,
    isGuided,
    read,
    texts,
    loras,
    latent,
    shape: { ...latentShape, given, seconds: request.frames / request.fps },
    denoising: { sampler, signal, successor: scales.length > 1 ? successor : undefined },
    openFirst: async () => denoiser(0, await ready("transformer", () => sessions.openExpert(0))),
    async openDecoder() {
      await openDecoder();
    },
    decode: async (latent) =>
      decodeFrames(latent, latentShape, { ...(await openDecoder()), seed: request.seed, signal }),
  };
}
