import {
  type DecoderRun,
  type LatentDecoder,
  type LatentShape,
  latentDecoder,
  nominalSize,
} from "../models/index.ts";
import type { Graph } from "../onnx/index.ts";
import type { ResolvedRequest } from "../request/index.ts";
import { type OpenedRuns, openRuns, runGraphs, runsInTurn, takeTurns } from "./continued-runs.ts";
import type { Decoding } from "./decode.ts";
import type { DenoisingSessions } from "./denoiser.ts";
import { frameGraphs } from "./encode-pictures.ts";
import { type ExpertNeeds, type Experts, expertsFor, guidanceScales } from "./experts.ts";
import type { OpenedLoras } from "./model/open-loras.ts";
import { partMemory, usableBytes } from "./model/part-memory.ts";
import { type ModelParts, openGraph } from "./model/parts.ts";
import {
  largest,
  mayStay,
  type Residency,
  type ResidentPart,
  residencyFor,
  UNKNOWN_MEMORY,
} from "./model/residency.ts";

/** Sessions of one shape of video; graphs have static shapes. */
export interface VideoSessions {
  readonly latentShape: LatentShape;
  readonly experts: Experts;
  /** Opens the parts that a video begins with, and all others that may stay open beside them. */
  open(): Promise<void>;
  isOpen(part: ResidentPart): boolean;
  /** Releases every part that may not be open while `part` runs. */
  makeRoom(part: ResidentPart): Promise<void>;
  /** Returns the sessions of a transformer, for which room is made if they are not open. */
  openExpert(index: number): Promise<DenoisingSessions>;
  /** Returns the sessions of the decoder, for which room is made if they are not open. */
  openDecoding(): Promise<Decoding>;
  release(): Promise<void>;
}

/** The transformers as parts, in the order in which they denoise. */
export const EXPERT_PARTS = ["transformer", "transformer_2"] as const;

/**
 * Prepares the sessions of one shape of video, and decides by the memory of the device which of them stay open; opens
 * none. The decoder may leave weights of its file unused, because the file also holds the encoder.
 *
 * @throws RangeError for a shape that transformer or decoder cannot make, RequestError for pictures that the
 *   transformer cannot take, CheckpointError if weights do not match their config
 */
export function videoSessions(
  model: ModelParts,
  request: ResolvedRequest,
  { loras, ...needs }: Omit<ExpertNeeds, "scales" | "loras"> & { readonly loras: OpenedLoras },
): VideoSessions {
  const { width, height, frames, fps, image, lastImage } = request;
  const { vae, options } = model;
  const decoder = latentDecoder(vae);
  const latentShape = latentShapeOf(decoder, { width, height, frames });
  const told = nominalSize(model.recipe, { width, height });
  const video = {
    latent: latentShape,
    frames,
    ...told,
    fps,
    givenFrames: image === undefined ? 0 : 1,
    hasLastPicture: lastImage !== undefined,
    ...(model.vision && { pictureTokens: model.vision.encoder.tokens }),
  };
  const scales = guidanceScales(model, request);
  const experts = expertsFor(model, video, { scales, loras: loras.applied, ...needs });
  const runs = decoder.runs(latentShape);
  const textLength = experts.transformers[0]!.text.length;
  let decoders: OpenedRuns<DecoderRun> | null = null;

  function decoderGraph(run: DecoderRun): Graph {
    return decoder.build({ ...latentShape, ...run }, { weights: vae.weights, ...options });
  }

  /** Builds every graph, to know what it takes. */
  function measuredResidency(memoryBytes: number): Residency {
    const { transformers } = experts;
    const pictures = () => {
      const shape = { frames, latent: latentShape };
      const encoding = partMemory("image_encoder", frameGraphs(transformers[0]!, shape, model));
      const { vision } = model;
      if (!vision) return encoding;
      const seeing = vision.encoder.build({ weights: vision.part.weights, ...options });
      return largest([encoding, partMemory("image_encoder", [seeing])]);
    };
    return residencyFor(
      [
        partMemory("text_encoder", [model.encoderGraph(textLength)]),
        ...(image === undefined ? [] : [pictures()]),
        ...transformers.map((_, index) => partMemory(EXPERT_PARTS[index]!, experts.graphs(index))),
        partMemory("decoder", [...runGraphs(runs, decoderGraph).values()], { inTurn: takeTurns(runs) }),
      ],
      memoryBytes,
    );
  }

  const memoryBytes = usableBytes(options);
  const residency = memoryBytes === null ? UNKNOWN_MEMORY : measuredResidency(memoryBytes);

  const isOpen = (part: ResidentPart): boolean => {
    if (part === "text_encoder") return model.isEncoderOpen(textLength);
    if (part === "image_encoder") return false;
    return part === "decoder" ? decoders !== null : experts.isOpen(EXPERT_PARTS.indexOf(part));
  };

  async function releasePart(part: ResidentPart): Promise<void> {
    if (part === "text_encoder") await model.release();
    else if (part === "decoder") await releaseDecoders();
    else if (part !== "image_encoder") await experts.release(EXPERT_PARTS.indexOf(part));
  }

  async function releaseDecoders(): Promise<void> {
    const opened = decoders;
    decoders = null;
    await opened?.release();
  }

  async function makeRoom(part: ResidentPart): Promise<void> {
    for (const other of ["text_encoder", ...EXPERT_PARTS, "decoder"] as const) {
      if (other !== part && !mayStay(residency, other, part)) await releasePart(other);
    }
  }

  async function openExpert(index: number): Promise<DenoisingSessions> {
    await makeRoom(EXPERT_PARTS[index]!);
    return experts.open(index);
  }

  async function openDecoding(): Promise<Decoding> {
    await makeRoom("decoder");
    const open = (graph: Graph, kept: readonly string[] = []) => openGraph(graph, vae.weights, options, kept);
    decoders ??= takeTurns(runs)
      ? runsInTurn(runs, decoderGraph, open)
      : await openRuns(runs, decoderGraph, open);
    return { runs: decoders.runs, frames, scale: decoder.scale, takesNoise: decoder.takesNoise ?? false };
  }

  async function release(): Promise<void> {
    for (const index of experts.transformers.keys()) await experts.release(index);
    await releaseDecoders();
  }

  return {
    latentShape,
    experts,
    async open() {
      try {
        if (mayStay(residency, "transformer", "text_encoder")) await openExpert(0);
        if (mayStay(residency, "decoder", "text_encoder")) await openDecoding();
        await makeRoom("text_encoder");
        await model.openEncoder(textLength);
      } catch (error) {
        await release();
        throw error;
      }
    },
    isOpen,
    makeRoom,
    openExpert,
    openDecoding,
    release,
  };
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
