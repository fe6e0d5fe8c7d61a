import type { NamedWeights } from "./build-options.ts";
import type { DiffusionTransformer, VideoShape } from "./diffusion-transformer.ts";
import type { ImageEncoder, VisionEncoder } from "./image-encoder.ts";
import type { LatentDecoder } from "./latent-decoder.ts";
import type { LoraNaming } from "./lora-naming.ts";
import type { TextEncoder } from "./text-encoder.ts";
import type { VideoMember } from "./video-member.ts";

/** JSON of a model's index, or of the configuration of a part. */
export type Config = Readonly<Record<string, unknown>>;

/** Class and configuration of a part of a model folder, which say what to build. */
export interface ModelClass extends PartFacts {
  readonly className: string;
  readonly config: unknown;
}

/** Facts of a part that its configuration does not hold. */
export interface PartFacts {
  /** Weights of the part, where they are known: configurations on the hub do not always fit them. */
  readonly weights?: TensorNames;
  /** Class of the pipeline that the part belongs to, where it is known: pipelines feed one class in several ways. */
  readonly pipeline?: string;
}

/** Names of the tensors of a checkpoint. */
export type TensorNames = Pick<NamedWeights, "has">;

/** Builders of one kind of part, by the class that a checkpoint names. */
export type Builders<R, A extends unknown[] = []> = Readonly<
  Record<string, (config: unknown, ...args: A) => R>
>;

/** Builders of the parts that a folder of lib/generation/models contributes. */
export interface Architectures {
  readonly transformers?: Builders<DiffusionTransformer, [VideoShape, PartFacts?]>;
  readonly textEncoders?: Builders<TextEncoder>;
  readonly decoders?: Builders<LatentDecoder>;
  /** Encoders of an image that a video begins with. */
  readonly imageEncoders?: Builders<ImageEncoder>;
  /** Encoders of pictures that transformers attend to. */
  readonly visionEncoders?: Builders<VisionEncoder>;
}

/**
 * Family of models with the same parts, with everything known of them that their folders on the hub do not say.
 */
export interface Family {
  /** Name for people. */
  readonly name: string;
  /** Pipeline classes that `model_index.json` names. */
  readonly pipelines: readonly string[];
  /** Builders of the family's own parts; those that several families share are in the registry. */
  readonly architectures: Architectures;
  /** Transformer, text encoder and decoder, for people. */
  readonly parts: string;
  /** Sampler, for people. */
  readonly sampler: string;
  /**
   * True if the reference guides with any scale other than 1. Others do not guide with a scale of 1 or less, and
   * compute the conditional half alone.
   */
  readonly guidesBelowOne?: boolean;
  /** Recipe that follows from the pipeline class; models and folders may say otherwise. */
  readonly recipe?: Partial<VideoMember>;
  /** Folder of a decoder that the family's repositories may have without naming it; preferred to the part `vae`. */
  readonly unnamedDecoder?: string;
  /** Names of layers in LoRA files; by default those of the checkpoint. */
  readonly lora?: LoraNaming;
  /** Files that most repositories of the family lack; files of a repository are not replaced. */
  readonly supplements: readonly PartSource[];
  readonly models: readonly PublishedModel[];
}

/** A model as its authors published it. */
export interface PublishedModel {
  /** Name for people. */
  readonly title: string;
  /** Returns whether a folder with this index may hold this model; by default any index of the family may. */
  readonly matchesIndex?: (index: Config) => boolean;
  /** Returns whether a transformer with this configuration is of this model; by default any is. */
  readonly matchesTransformer?: (transformer: Config) => boolean;
  /** Limits, defaults and recipe. The member `video` of a folder's `model_index.json` takes precedence. */
  readonly video: VideoMember;
  /** Source of its files; undefined for a model that cannot be added by name. */
  readonly hub?: NamedSource;
  /** Needs of the model; undefined for a model that cannot be added by name. */
  readonly needs?: ModelNeeds;
  /** Settings of the benchmark of models; undefined for a model that is not timed. */
  readonly benchmark?: Benchmark;
}

/**
 * Parameters and memory of a model, by the names and shapes of its published weights. The weights themselves were never
 * read, and memory was not measured.
 */
export interface ModelNeeds {
  /**
   * Parameters that a video takes, from text or from the pictures that the model needs; those of all transformers
   * together.
   */
  readonly parameters: Readonly<Record<WeightedPart, number>> & { readonly image_encoder?: number };
  /** Memory for the default video in GiB, as `models check` estimates it. */
  readonly memoryGiB: {
    /** Memory on the CPU, with weights stored in float32. */
    readonly cpu: number;
    /**
     * Memory on a GPU, where transformers have 16 bit, with a text encoder stored in bfloat16, if parts are released
     * after use.
     */
    readonly gpu: number;
    /** Memory on a GPU with all parts held at once. */
    readonly gpuOpen: number;
  };
}

/** A model on the hub. */
export interface HubSource {
  /** Repository that stands for the model; `--revision` is a revision of this repository. */
  readonly id: string;
  /** Repositories that the model is assembled from; undefined if one repository is the whole pipeline. */
  readonly assembly?: Assembly;
}

export interface NamedSource extends HubSource {
  /** Name that `models add` takes, and name of the folder that the model is put into. */
  readonly name: string;
  /**
   * Estimated size of the download in GB: the parameters of its parts, in the precision that their repositories store.
   * That precision is from memory.
   */
  readonly gigabytes: number;
}

/** A model that is assembled from several repositories, none of which is a pipeline by itself. */
export interface Assembly {
  readonly sources: readonly PartSource[];
  /** Contents of `model_index.json`. */
  readonly index: Config;
  /** Contents of files that no repository has. */
  readonly files: Config;
}

/** Source of the files of a part. */
export interface PartSource {
  /** Folder of the part in the model. */
  readonly part: string;
  /** Name of the repository. */
  readonly id: string;
  /** Folder of the part in the repository; "" for the whole repository. */
  readonly folder: string;
  /** Names of the files to take; by default everything that a part needs. */
  readonly only?: readonly string[];
}

/** Folders of a model that hold weights. */
export type WeightedPart = "transformer" | "text_encoder" | "vae";

/** A part with its published configuration. */
export interface PublishedPart {
  readonly className: string;
  readonly config: Config;
}

export interface BenchmarkVideo {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly fps: number;
}

export interface Benchmark {
  readonly parts: Readonly<Record<WeightedPart, PublishedPart>>;
  /** Member of the transformer's config that counts its blocks, or pairs of them. */
  readonly depth: "depth" | "num_layers";
  /** Video for which a step is timed. */
  readonly stepVideo: BenchmarkVideo;
  /** Video for which the first run of the decoder is timed. */
  readonly decodedVideo: BenchmarkVideo;
  /** Video for which the memory of the decoder's first run is measured; larger, so that the run stands out. */
  readonly measuredVideo: BenchmarkVideo;
  /** True if the text encoder is timed; two families have the encoder of a third. */
  readonly timesText: boolean;
}
