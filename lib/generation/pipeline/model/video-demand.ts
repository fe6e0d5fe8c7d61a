import { policyKinds } from "../../caching/index.ts";
import type { Checkpoint, ModelPart } from "../../checkpoint/index.ts";
import {
  buildFull,
  buildReuse,
  type DiffusionTransformer,
  diffusionTransformer,
  imageEncoder,
  latentDecoder,
  type ModelClass,
  pictureNeeds,
  textEncoder,
  visionEncoder,
} from "../../models/index.ts";
import { type Graph, MAPPED_BYTES_MIN, type Provider } from "../../onnx/index.ts";
import { runGraphs, takeTurns } from "../continued-runs.ts";
import { frameGraphs } from "../encode-pictures.ts";
import { graphSignalsOf } from "../signals.ts";
import { latentShapeOf } from "../video-sessions.ts";
import { DemandedWeights } from "./demanded-weights.ts";
import { type MemoryDemand, memoryDemand, type PartDemand } from "./memory-demand.ts";
import { partMemory } from "./part-memory.ts";
import { largest, type PartMemory, type ResidentPart } from "./residency.ts";

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

/** Pictures that videos of a model are made from. */
export interface DemandedPictures {
  /** True if a video may begin with a picture. */
  readonly areTaken: boolean;
  /** True if every video does. */
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
  let pictured: DiffusionTransformer | undefined;
  for (const [name, opened] of parts) {
    if (!latent || !name.startsWith("transformer")) continue;
    const demand = await attempt(() => {
      const transformer = diffusionTransformer(
        { ...opened.part, weights: opened.weights },
        { ...video, ...given, latent, ...(vision && { pictureTokens: vision.tokens }) },
      );
      others.set(name, transformer.otherTensors);
      textLength = transformer.text.length;
      if (pictures.areTaken && pictureNeeds(transformer.conditions)) pictured = transformer;
      const graphs = (provider: Provider) => {
        const cut = { ...opened, provider };
        return [buildFull(transformer, { ...cut, signals: ALL_SIGNALS }), buildReuse(transformer, cut)];
      };
      return partDemand(name as ResidentPart, opened, graphs);
    });
    demands.push(demand);
  }
  if (vae && latent) {
    const demand = await attempt(() => {
      const decoder = latentDecoder(vae.part);
      const runs = decoder.runs(latent);
      const graphs = (provider: Provider) => [
        ...runGraphs(runs, (run) => decoder.build({ ...latent, ...run }, { ...vae, provider })).values(),
      ];
      return partDemand("decoder", vae, graphs, { inTurn: takeTurns(runs) });
    });
    demands.push(demand);
  }
  if (vae && latent && pictured && takesPictures(vae.part)) {
    const transformer = pictured;
    // Videos from text alone do without the encoder, and it is not judged.
    const weights = pictures.areNeeded ? vae.weights : new DemandedWeights(vae.checkpoint);
    const demand = await attempt(() => {
      const frames = partDemand("image_encoder", { ...vae, weights }, (provider) =>
        frameGraphs(
          transformer,
          { ...video, latent },
          { vae: { ...vae.part, weights }, options: { provider } },
        ),
      );
      if (!visionPart || !vision || !pictureNeeds(transformer.conditions)?.takesStates) return frames;
      others.set("image_encoder", vision.otherTensors);
      const states = partDemand("image_encoder", visionPart, (provider) => [
        vision.build({ ...visionPart, provider }),
      ]);
      return largestDemand(frames, states);
    });
    demands.push(demand);
  }
  const encoderPart = parts.get("text_encoder");
  if (encoderPart) {
    const demand = await attempt(() => {
      const encoder = textEncoder(encoderPart.part);
      others.set("text_encoder", encoder.otherTensors);
      return partDemand("text_encoder", encoderPart, (provider) => [
        encoder.build(textLength, { ...encoderPart, provider }),
      ]);
    });
    demands.push(demand);
  }
  const known = demands.filter((demand) => demand !== undefined);
  const isWhole = known.length === demands.length && known.length > 2;
  return isWhole ? memoryDemand(known) : undefined;
}

function takesPictures(part: ModelClass): boolean {
  try {
    return imageEncoder(part) !== undefined;
  } catch {
    return false;
  }
}

/** Returns the demand of sessions that are released before the others open. */
function largestDemand(a: PartDemand, b: PartDemand): PartDemand {
  return {
    cpu: largest([a.cpu, b.cpu]),
    cpuFloat32: largest([a.cpuFloat32, b.cpuFloat32]),
    gpu: largest([a.gpu, b.gpu]),
  };
}

/** @param graphs returns the graphs of all sessions of the part */
function partDemand(
  part: ResidentPart,
  { weights }: OpenPart,
  graphs: (provider: Provider) => readonly Graph[],
  options: { readonly inTurn: boolean } = { inTurn: false },
): PartDemand {
  const onCpu = graphs("cpu");
  return {
    cpu: partMemory(part, onCpu, options),
    cpuFloat32: storedFloat32(part, onCpu, { ...options, parameters: weights.parameters }),
    gpu: partMemory(part, graphs("cuda"), options),
  };
}

/** Returns the memory on the CPU of a part whose weights were stored in float32. */
function storedFloat32(
  part: ResidentPart,
  graphs: readonly Graph[],
  { inTurn, parameters }: { readonly inTurn: boolean; readonly parameters: number },
): PartMemory {
  const activations = graphs.map((graph) => graph.activationBytes);
  const heldBytes = inTurn ? Math.max(...activations) : activations.reduce((sum, bytes) => sum + bytes, 0);
  const weightBytes = 4 * parameters;
  if (weightBytes < MAPPED_BYTES_MIN) return { part, heldBytes: heldBytes + weightBytes, mappedBytes: 0 };
  return { part, heldBytes, mappedBytes: part === "text_encoder" ? 0 : weightBytes };
}
