/**
 * Messages between the parent and the generating child, sent by structured clone. The child makes one video at a time,
 * so messages need no number.
 */
import type { Preview } from "../../preview/index.ts";
import type { ResolvedRequest, VideoLimits } from "../../request/index.ts";
import type { GenerationFault } from "../errors.ts";
import type { Generation } from "../generation.ts";
import type { PipelineOptions } from "../model/parts.ts";
import type { Progress } from "../progress.ts";
import type { Trial } from "../trial.ts";

export type ToChild =
  | { readonly kind: "open"; readonly folder: string; readonly options: PipelineOptions }
  | { readonly kind: "generate"; readonly request: ResolvedRequest; readonly isWatched: boolean }
  | { readonly kind: "measure"; readonly request: ResolvedRequest }
  | { readonly kind: "cancel" };

/** `opened` or `failed` answers `open`; `generated` or `failed` answers `generate`, and `measured` or `failed` `measure`. */
export type FromChild =
  | { readonly kind: "opened"; readonly model: string; readonly limits: VideoLimits }
  | { readonly kind: "progress"; readonly progress: Progress }
  /** Sent only if the video is watched. */
  | { readonly kind: "preview"; readonly preview: Preview }
  | { readonly kind: "generated"; readonly generation: Generation }
  | { readonly kind: "measured"; readonly trial: Trial }
  | {
      readonly kind: "failed";
      readonly name: string;
      readonly message: string;
      readonly fault: GenerationFault | null;
    };
