import type { DiffusionTransformer, VideoShape } from "./diffusion-transformer.ts";
import type { ImageEncoder } from "./image-encoder.ts";
import type { LatentDecoder } from "./latent-decoder.ts";
import type { TextEncoder } from "./text-encoder.ts";
import type { VideoMember } from "./video-member.ts";

/** JSON of a model's index, or of the configuration of a part. */
export type Config = Readonly<Record<string, unknown>>;

/** A part of a model folder, as far as it says what to build. */
export interface ModelClass {
  readonly className: string;
  readonly config: unknown;
}

/** Builders of one kind of part, by the class that a checkpoint names. */
export type Builders<R, A extends unknown[] = []> = Readonly<
  Record<string, (config: unknown, ...args: A) => R>
>;

/** Builders of parts that a folder of models/ brings. */
export interface Architectures {
  readonly transformers?: Builders<DiffusionTransformer, [VideoShape]>;
  readonly textEncoders?: Builders<TextEncoder>;
  readonly decoders?: Builders<LatentDecoder>;
  /** Encoders of a picture that a video begins with. */
  readonly imageEncoders?: Builders<ImageEncoder>;
}

/** Models of one pipeline: everything known of them that their folders on the hub do not say. */
export interface Family {
  /** Name for people. */
  readonly name: string;
  /** The class of pipeline that `model_index.json` names. */
  readonly pipeline: string;
  /** Parts that are the family's own; those that several families share are in the registry. */
  readonly architectures: Architectures;
  /** Transformer, text encoder and decoder, for people. */
  readonly parts: string;
  /** The sampler, for people. */
  readonly sampler: string;
  /** A decoder that the family's repositories may have without naming it; it is preferred to the part `vae`. */
  readonly unnamedDecoder?: string;
  /** Files that most of its repositories lack; what a repository brings itself is not replaced. */
  readonly supplements: readonly PartSource[];
  readonly models: readonly PublishedModel[];
}

/** A model as its authors published it. */
export interface PublishedModel {
  /** Name for people. */
  readonly title: string;
  /** Tells by the index of a folder whether it may hold this model; any index of the family may by default. */
  readonly matchesIndex?: (index: Config) => boolean;
  /** Tells by the configuration of a transformer whether it is of this model; any is by default. */
  readonly matchesTransformer?: (transformer: Config) => boolean;
  /** Limits, defaults and recipe. The member `video` of a folder's `model_index.json` goes before them. */
  readonly video: VideoMember;
  /** Source of its files; undefined for a model that has no name to be added by. */
  readonly hub?: NamedSource;
  /** Settings of the benchmark of models; undefined for a model that it does not time. */
  readonly benchmark?: Benchmark;
}

/** A model on the hub. */
export interface HubSource {
  /** The repository that stands for it: its `--revision` is the model's. */
  readonly id: string;
  /** Undefined where the repository is a whole pipeline. */
  readonly assembly?: Assembly;
}

export interface NamedSource extends HubSource {
  /** The name that `models add` takes, and the name of the folder that the model is put into. */
  readonly name: string;
}

/** A model that is assembled from several repositories, none of which is a pipeline by itself. */
export interface Assembly {
  readonly sources: readonly PartSource[];
  /** `model_index.json`. */
  readonly index: Config;
  /** Contents of files that no repository has. */
  readonly files: Config;
}

/** Source of the files of a part. */
export interface PartSource {
  /** The part's folder in the model. */
  readonly part: string;
  /** The repository. */
  readonly id: string;
  /** Folder in the repository; "" takes the whole repository. */
  readonly folder: string;
  /** Names of the files that are taken; by default everything that a part needs. */
  readonly only?: readonly string[];
}

/** The folders of a model that hold weights. */
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
  /** The member of the transformer's config that counts its blocks, or pairs of them. */
  readonly depth: "depth" | "num_layers";
  /** The video of which a step is timed. */
  readonly stepVideo: BenchmarkVideo;
  /** The video of which the decoder's first run is timed. */
  readonly decodedVideo: BenchmarkVideo;
  /** The video of which the decoder's first run has its memory measured: larger, so that it stands out. */
  readonly measuredVideo: BenchmarkVideo;
  /** True where the text encoder is timed; two families have the encoder of a third. */
  readonly timesText: boolean;
}
