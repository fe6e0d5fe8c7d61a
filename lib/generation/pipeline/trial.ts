import { type ComputedBounds, computedBounds, promisedSeconds } from "../caching/index.ts";
import { measurePace, type Pace } from "./deadline.ts";
import type { PreparedVideo } from "./prepared-video.ts";
import type { RunProgress } from "./progress.ts";

/** Times of the parts of a request's generation, measured without making its video. */
export interface Trial {
  readonly model: string;
  /** Evaluations of the model that the sampler makes of the request's steps. */
  readonly steps: number;
  /** Bounds of the number of computed ones, which are the same where the policy decides it beforehand. */
  readonly computed: ComputedBounds;
  /** Seconds of opening the model, of encoding the prompt, of a computed and of a reused step, and of decoding. */
  readonly seconds: { readonly load: number; readonly encode: number } & Pace;
  /** True if the request asks for the video without cache, too. */
  readonly makesUncached: boolean;
  /** Seconds that the request promises to stay within; null without such a promise. */
  readonly secondsMost: number | null;
}

/**
 * Times the parts of a video that is prepared, and does not make it.
 *
 * @param model name of the model
 * @throws the errors of `Pipeline.measure`
 */
export async function tryVideo(
  { request, policy, denoising, latent, openFirst, decode }: PreparedVideo,
  { model, progress }: { readonly model: string; readonly progress: RunProgress },
): Promise<Trial> {
  const onStep = () => progress.report("denoise");
  const pace = await measurePace({ ...denoising, ...(await openFirst()), latent, onStep }, decode);
  const { load, encode } = progress.seconds;
  return {
    model,
    steps: progress.steps,
    computed: computedBounds(policy, progress.steps),
    seconds: { load, encode, ...pace },
    makesUncached: request.compare || (request.audit && policy.name !== "off"),
    secondsMost: promisedSeconds(policy),
  };
}
