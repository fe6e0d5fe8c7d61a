import { createPolicy, staticPolicy } from "../caching/index.ts";
import { RequestError } from "../request/index.ts";
import { type DenoisedStep, type DenoiseOptions, denoise } from "./denoise.ts";

/** Seconds that the parts of a generation took with videos of one shape. */
export interface Pace {
  readonly computed: number;
  readonly reused: number;
  readonly decode: number;
}

/** Time that denoising may take, for a promise of seconds. */
export interface Deadline {
  readonly pace: Pace;
  /** Seconds left for denoising once the prompt is encoded and decoding is set aside. */
  readonly secondsAvailable: number;
  /** Seconds of encoding, denoising and decoding that are planned. */
  readonly predictedSeconds: number;
}

/** Decoding may take so many times as long as it was measured to. */
const DECODE_RESERVE = 1.25;

/** Least share of a promise that has to remain beyond the fewest steps, since no two runs take the same time. */
const SLACK = 1.1;

/**
 * Times three denoising steps, of which the second is reused, and the decoder. Later generations of the shape are
 * planned with what they took themselves, so this is for the first one.
 *
 * @param latent noise; it is copied
 */
export async function measurePace(
  { latent, sampler, ...options }: Omit<DenoiseOptions, "policy">,
  decode: (latent: Float32Array) => Promise<unknown>,
): Promise<Pace> {
  const tried = latent.slice();
  const fewer = { ...sampler, timesteps: sampler.timesteps.slice(0, 3) };
  const policy = createPolicy(staticPolicy, { interval: 2 });
  const steps = await denoise({ ...options, latent: tried, sampler: fewer, policy, successor: undefined });
  const started = performance.now();
  await decode(tried);
  return paceOf(steps, (performance.now() - started) / 1000);
}

/** Returns the pace of a finished generation; parts that it did not run are those of `before`. */
export function paceOf(steps: readonly DenoisedStep[], decode: number, before?: Pace): Pace {
  const secondsOf = (computed: boolean) =>
    steps.filter(({ trace }) => trace.computed === computed).map(({ seconds }) => seconds);
  const [computed, reused] = [secondsOf(true), secondsOf(false)];
  return {
    computed: upper(computed) ?? before?.computed ?? 0,
    reused: upper(reused) ?? before?.reused ?? upper(computed) ?? 0,
    decode,
  };
}

/** Returns the upper quartile; undefined of nothing. */
function upper(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.75)];
}

/**
 * Plans a generation that is to take at most `atMost` seconds.
 *
 * @throws RequestError if even one computed step takes longer, naming the least time that can be promised
 */
export function deadlineFor(
  atMost: number,
  { pace, encodeSeconds, steps }: { pace: Pace; encodeSeconds: number; steps: number },
): Deadline {
  const aside = encodeSeconds + pace.decode * DECODE_RESERVE;
  const fewest = aside + pace.computed + (steps - 1) * pace.reused;
  const all = aside + steps * pace.computed;
  if (atMost < fewest * SLACK) {
    const least = Math.ceil(fewest * SLACK * 1.05 * 100) / 100;
    throw new RequestError(
      `at_most is ${atMost} s, and ${steps} steps of this size take at least ${fewest.toFixed(2)} s here even if ` +
        `only one is computed: ask for ${least} s or more, or for fewer steps.`,
      { field: "cache" },
    );
  }
  return { pace, secondsAvailable: atMost - aside, predictedSeconds: Math.min(atMost, all) };
}
