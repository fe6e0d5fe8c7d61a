import type { ComputedBounds } from "../caching/index.ts";
import type { Pace } from "./deadline.ts";

/** Times of the parts of a request's generation, measured without making its video. */
export interface Trial {
  readonly model: string;
  /** Evaluations of the model that the sampler makes of the request's steps. */
  readonly steps: number;
  /** Bounds of the number of computed ones, which are the same where the policy decides it beforehand. */
  readonly computed: ComputedBounds;
  /** Seconds of opening the model, of encoding the prompt, of a computed and of a reused step, and of decoding. */
  readonly seconds: { readonly load: number; readonly encode: number } & Pace;
  /** Seconds that the request promises to stay within; null without such a promise. */
  readonly secondsMost: number | null;
}
