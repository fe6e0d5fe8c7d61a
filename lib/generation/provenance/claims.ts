import { publishedCache } from "../caching/index.ts";
import type { Generation } from "../pipeline/index.ts";
import { toldRequest, withoutWords } from "../request/index.ts";
import type { Claims } from "./manifest.ts";

/** Facts about a video that its generation does not know itself. */
export interface Surroundings {
  readonly provider: string;
  readonly precision: string;
  /** SHA-256 of the model's files. */
  readonly weights: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
  /** SHA-256 of pictures that the video was made of, by the fields that gave them. */
  readonly pictures: Readonly<Record<string, string>>;
}

/**
 * Returns what the file of a video says about how it was made: all that is needed to make it again but the words. A
 * file travels further than its maker meant, so it has no prompt, no negative prompt, and nothing that quotes them.
 */
export function claimsOf({ trace, request, promise, loras }: Generation, surroundings: Surroundings): Claims {
  const { provider, precision, weights, versions, pictures } = surroundings;
  const told = Object.entries(toldRequest(withoutWords(request)));
  const { width, height, frames } = request;
  return {
    pictures,
    receipt: {
      model: trace.model,
      seed: request.seed,
      settings: { width, height, frames, ...Object.fromEntries(told.filter(([, value]) => value !== null)) },
      steps: {
        requested: trace.steps,
        computed: trace.schedule.filter(({ computed }) => computed).length,
        // One character a step: computed or reused.
        schedule: trace.schedule.map(({ computed }) => (computed ? "c" : "r")).join(""),
      },
      cache: publishedCache(trace),
      ...(promise && { promise: promise.asked }),
      loras: loras.map(({ name, sha256, scale, transformer }) => ({ name, sha256, scale, transformer })),
      pictures,
      weights,
      provider,
      precision,
      versions,
    },
  };
}
