import type { CachePolicy } from "../caching/index.ts";
import type { CutOptions, DiffusionTransformer, GraphSignalName } from "../models/index.ts";
import type { Graph, Session } from "../onnx/index.ts";
import type { PreviewShape } from "../preview/index.ts";
import type { Sampler } from "../sampling/index.ts";
import type { Frames } from "../video/index.ts";
import type { DenoisingSessions } from "./denoiser.ts";

/** Observer of the denoising sessions, for measurements. */
export interface Observer {
  /** Signals to measure at every computed step in addition to the policy's. */
  readonly signals: readonly GraphSignalName[];
  /** Wraps the sessions of each transformer before the denoising loop uses them. */
  through(sessions: DenoisingSessions, of: Observed): DenoisingSessions;
  /** Returns the policy of the next generation, in place of its request's; null to leave that as it is. */
  policy?(): CachePolicy | null;
  /** Called with every video, and the latent [C, F, H, W] that it was decoded from. */
  decoded?(latent: Float32Array, shape: PreviewShape, video: Frames): void;
}

/** The transformer of sessions that are observed, and what is needed to run other cuts of it. */
export interface Observed {
  /** The same value in all generations that use these sessions. */
  readonly transformer: DiffusionTransformer;
  readonly guidanceScale: number;
  readonly sampler: Sampler;
  /** Options with which the graphs of the transformer are built. */
  readonly cut: CutOptions;
  /** Opens a session on another graph of the transformer, built with `cut`. The observer releases it. */
  open(graph: Graph): Promise<Session>;
}
