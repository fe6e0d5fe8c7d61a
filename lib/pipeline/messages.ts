/** What the parent and the generating child say to each other, by structured clone. */
import type { PipelineOptions } from "./model-parts.ts";
import type { Generation, Progress } from "./pipeline.ts";
import type { GenerationRequest, VideoLimits } from "./request.ts";

export type ToChild =
  | { readonly kind: "open"; readonly folder: string; readonly options: PipelineOptions }
  | { readonly kind: "generate"; readonly id: number; readonly request: GenerationRequest }
  | { readonly kind: "cancel"; readonly id: number };

export type FromChild =
  | { readonly kind: "opened"; readonly model: string; readonly limits: VideoLimits }
  | { readonly kind: "progress"; readonly id: number; readonly progress: Progress }
  | { readonly kind: "generated"; readonly id: number; readonly generation: Generation }
  | { readonly kind: "failed"; readonly id: number | null; readonly error: ChildError };

export interface ChildError {
  readonly name: string;
  readonly message: string;
  readonly isRequestError: boolean;
}
