import type { DiffusionTransformer, Feeds, GraphSignalName } from "../models/index.ts";
import type { Session, Tensor } from "../onnx/index.ts";

/** Sessions of the cuts of a transformer, opened for one shape of video. */
export interface DenoisingSessions {
  readonly full: Session;
  readonly reuse: Session;
  /** Reused step that forecasts its residual from the last two; null if no policy has needed it yet. */
  readonly forecast?: Session | null;
  /**
   * Signals that `full` measures: at least those of the policy. Sessions that earlier requests opened may measure more.
   */
  readonly signals: ReadonlySet<GraphSignalName>;
}

/** A transformer with the sessions, guidance scale and feeds of one generation. */
export interface Denoiser {
  readonly transformer: DiffusionTransformer;
  readonly sessions: DenoisingSessions;
  readonly guidanceScale: number;
  /** Feeds of the transformer's conditions that stay the same for the generation. */
  readonly feeds: Feeds;
}

export function floats(data: Float32Array, shape: readonly number[]): Tensor {
  return { dtype: "float32", shape, data };
}

export function floatsOf({ data }: Tensor): Float32Array {
  return data as Float32Array;
}
