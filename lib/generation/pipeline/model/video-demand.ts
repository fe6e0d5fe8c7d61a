import { policyKinds } from "../../caching/index.ts";
import type { Checkpoint, ModelPart } from "../../checkpoint/index.ts";
import {
  buildFull,
  diffusionTransformer,
  imageEncoder,
  type LatentShape,
  latentDecoder,
  pictureNeeds,
  textEncoder,
  visionEncoder,
} from "../../models/index.ts";
import type { Graph } from "../../onnx/index.ts";
import { graphSignalsOf } from "../signals.ts";
import { latentShapeOf } from "../video-sessions.ts";
import type { DemandedWeights } from "./demanded-weights.ts";
import { type MemoryDemand, memoryDemand, type PartDemand } from "./memory-demand.ts";

export interface OpenPart {
  readonly part: ModelPart;
  readonly checkpoint: Checkpoint;
  readonly weights: DemandedWeights;
}

/** Signals of all policies together: no policy needs more memory than these. */
const ALL_SIGNALS = graphSignalsOf(policyKinds.flatMap(({ signals }) => signals));

/** Returns the result of `work`. If `work` throws, records a fault and returns undefined. */
export type Attempt = <R>(work: () => R | Promise<R>) => Promise<R | undefined>;

export type Parts = Map<string, OpenPart>;
export interface DemandedVideo {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly fps: number;
}

/** Pictures that every video of a model is made from. */
export interface DemandedPictures {
  readonly areNeeded: boolean;
  /** True if there is one for the last frame too. */
  readonly areTwo: boolean;
}

/**
 * Builds all graphs of one shape of video and returns the memory that they need; undefined if a part cannot be built.
 * Such a part does not hide the faults of other parts. Records in `others` which tensors each part can do without.
 */
export async function videoDemand(
  parts: Parts,
  video: DemandedVideo,
  {
    attempt,
    others,
    pictures,
  }: { attempt: Attempt; others: Map<string, RegExp>; pictures: DemandedPictures },
): Promise<MemoryDemand | undefined> {
  const demands: (PartDemand | undefined)[] = [];
  const vae = parts.get("vae");
  const latent = vae && (await attempt(() => latentShapeOf(latentDecoder(vae.part), video)));
  const given = { givenFrames: pictures.areNeeded ? 1 : 0, hasLastPicture: pictures.areTwo };
  const visionPart = parts.get("image_encoder");
  const vision = visionPart && (await attempt(() => visionEncoder(visionPart.part)));
  let textLength = 1;
  let takesStates = false;
  for (const [name, opened] of parts) {
    if (!latent || !name.startsWith("transformer")) continue;
    const demand = await attempt(() => {
      const transformer = diffusionTransformer(
        { ...opened.part, weights: opened.weights },
        { ...video, ...given, latent, ...(vision && { pictureTokens: vision.tokens }) },
      );
      others.set(name, transformer.otherTensors);
      textLength = transformer.text.length;
      takesStates ||= pictureNeeds(transformer.conditions)?.takesStates ?? false;
      const cut = { ...opened, signals: ALL_SIGNALS };
      const onGpu = buildFull(transformer, { ...cut, provider: "cuda" });
      return partDemand(opened, "transformer", [buildFull(transformer, cut)], onGpu.activationBytes);
    });
    demands.push(demand);
  }
  if (vae && latent) {
    const demand = await attempt(() => {
      const decoder = latentDecoder(vae.part);
      const runs = new Map(decoder.runs(latent).map((run) => [JSON.stringify(run), run]));
      const graphs = [...runs.values()].map((run) => decoder.build({ ...latent, ...run }, vae));
      return partDemand(vae, "decoder", [
        ...graphs,
        ...(pictures.areNeeded ? encoderGraphs(vae, video, latent) : []),
      ]);
    });
    demands.push(demand);
  }
  if (visionPart && vision && takesStates) {
    others.set("image_encoder", vision.otherTensors);
    demands.push(await attempt(() => partDemand(visionPart, "encoder", [vision.build(visionPart)])));
  }
  const encoderPart = parts.get("text_encoder");
  if (encoderPart) {
    const demand = await attempt(() => {
      const encoder = textEncoder(encoderPart.part);
      others.set("text_encoder", encoder.otherTensors);
      return partDemand(encoderPart, "encoder", [encoder.build(textLength, encoderPart)]);
    });
    demands.push(demand);
  }
  const known = demands.filter((demand) => demand !== undefined);
  const isWhole = known.length === demands.length && known.length > 2;
  return isWhole ? memoryDemand(known) : undefined;
}

/** Returns the graphs of the autoencoder that encode the pictures of a video of which they are frames. */
function encoderGraphs(vae: OpenPart, { frames }: DemandedVideo, { height, width }: LatentShape): Graph[] {
  const encoder = imageEncoder(vae.part);
  const runs = encoder.runs?.({ frames, height, width }) ?? [{ frames: 1 }];
  const distinct = new Map(runs.map((run) => [JSON.stringify(run), run]));
  return [...distinct.values()].map((run) => encoder.build({ ...run, height, width }, vae));
}

function partDemand(
  { checkpoint, weights }: OpenPart,
  role: PartDemand["role"],
  graphs: readonly Graph[],
  gpuActivationBytes?: number,
): PartDemand {
  const activationBytes = Math.max(...graphs.map((graph) => graph.activationBytes));
  const isFloat32 = checkpoint.names().every((name) => checkpoint.info(name).dtype === "F32");
  return {
    role,
    parameters: weights.parameters,
    isFloat32,
    activationBytes,
    gpuActivationBytes: gpuActivationBytes ?? activationBytes,
  };
}
