import * as z from "zod";
import { noiseSchedule, noiseScheduleSchema } from "./noise-schedule.ts";
import type { Sampler, SamplerStep, SamplingRun } from "./sampler.ts";

/** Fields of `scheduler_config.json`. */
export const pndmSchema = noiseScheduleSchema.extend({
  set_alpha_to_one: z.boolean().default(false),
  /** True to begin with steps of lower order instead of Runge-Kutta steps. */
  skip_prk_steps: z.boolean().default(false),
});

export type PNDMConfig = Readonly<z.infer<typeof pndmSchema>>;

const RUNGE_KUTTA = [1 / 6, 1 / 3, 1 / 3, 1 / 6];
const STAGES = RUNGE_KUTTA.length;
/** Number of Runge-Kutta steps: the fourth step then has three predictions to build on. */
const RUNGE_KUTTA_STEPS = 3;

/** Weights of the newest prediction and those before it, indexed by the number of earlier predictions. */
const ADAMS_BASHFORTH = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/**
 * PNDM (arXiv 2202.09778): DDIM's move along a fourth-order combination of several predictions. The first
 * three steps evaluate the model four times each, so there are nine more evaluations than steps. With
 * `skip_prk_steps` only the first step evaluates it twice.
 *
 * The timesteps are those of diffusers: the model is evaluated once more where Runge-Kutta ends.
 *
 * @throws RangeError, in words for a user, if the steps are too few or the model was not trained with that many
 */
export function pndm({
  steps,
  config,
}: Pick<SamplingRun, "steps"> & { readonly config: PNDMConfig }): Sampler {
  const { timesteps: visited, stride, move, noiseLevelAt, cleanAt } = noiseSchedule(steps, config);
  if (!config.skip_prk_steps && steps <= RUNGE_KUTTA_STEPS) {
    throw new RangeError(`steps must be at least ${RUNGE_KUTTA_STEPS + 1} for this model, got ${steps}`);
  }
  const half = Math.floor(stride / 2);
  const [first, second] = visited as [number, number | undefined];
  const begun = config.skip_prk_steps ? [] : visited.slice(0, RUNGE_KUTTA_STEPS).flatMap(stagesFrom);

  function stagesFrom(timestep: number, step: number): number[] {
    const next = visited[step + 1]!;
    return [timestep, next + half, next + half, next];
  }

  function start(from: Memory = { past: [], origin: new Float32Array(), slopes: [] }): SamplerStep {
    const past = [...from.past];
    let origin = from.origin;
    let slopes = [...from.slopes];

    function rungeKutta(latent: Float32Array, noise: Float32Array, evaluation: number): void {
      const stage = evaluation % STAGES;
      if (stage === 0) {
        origin = latent.slice();
        slopes = [];
        past.unshift(noise.slice());
      }
      slopes.push(noise.slice());
      const along = stage === STAGES - 1 ? combination(RUNGE_KUTTA, slopes) : noise;
      const timestep = begun[evaluation]!;
      move(latent, origin, along, begun[evaluation - stage]!, stage % 2 === 0 ? timestep - half : timestep);
    }

    // Repeats the first step, along the mean of the predictions at its two ends.
    function repeatFirst(latent: Float32Array, noise: Float32Array): void {
      move(latent, origin, combination([1 / 2, 1 / 2], [noise, past[0]!]), second! + stride, second!);
    }

    function multistep(latent: Float32Array, noise: Float32Array, timestep: number): void {
      past.unshift(noise.slice());
      past.length = Math.min(past.length, ADAMS_BASHFORTH.length);
      if (past.length === 1) origin = latent.slice();
      const along = combination(ADAMS_BASHFORTH[past.length - 1]!, past);
      move(latent, latent, along, timestep, timestep - stride);
    }

    const step = (latent: Float32Array, noise: Float32Array, evaluation: number) => {
      if (evaluation < begun.length) rungeKutta(latent, noise, evaluation);
      else if (config.skip_prk_steps && evaluation === 1) repeatFirst(latent, noise);
      else multistep(latent, noise, timesteps[evaluation]!);
    };
    return Object.assign(step, { fork: () => start({ past, origin, slopes }) });
  }

  const twice = second === undefined ? [first] : [first, second, ...visited.slice(1)];
  const timesteps = config.skip_prk_steps ? twice : [...begun, ...visited.slice(RUNGE_KUTTA_STEPS)];
  return {
    timesteps,
    noiseLevels: timesteps.map(noiseLevelAt),
    clean: timesteps.map(cleanAt),
    start: () => start(),
  };
}

/** Tensors that later evaluations need. They are never changed in place. */
interface Memory {
  /** Predictions at the visited timesteps, newest first. */
  readonly past: readonly Float32Array[];
  /** Latent that a step of several evaluations starts from. */
  readonly origin: Float32Array;
  /** Predictions of a Runge-Kutta step so far. */
  readonly slopes: readonly Float32Array[];
}

/** Returns the sum of the predictions, weighted by `weights`. */
function combination(weights: readonly number[], predictions: readonly Float32Array[]): Float32Array {
  return predictions[0]!.map((_, i) =>
    weights.reduce((sum, weight, which) => sum + weight * predictions[which]![i]!, 0),
  );
}
