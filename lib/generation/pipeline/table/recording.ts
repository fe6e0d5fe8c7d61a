import { cutNames } from "../../models/index.ts";
import type { Tensor } from "../../onnx/index.ts";
import type { DenoisingSessions } from "../denoiser.ts";
import { sampleOf } from "./moments.ts";
import type { Watch } from "./watched-videos.ts";

/** Elements of a tensor that are sampled at most. */
const ELEMENTS_MAX = 2 ** 20;

/** Samples of a generation without cache, one for each step. */
export interface Samples {
  readonly residual: Float32Array[];
  /** Moments of the clean latent that each prediction implies. */
  readonly clean: Float32Array[];
}

/** Samples residual and clean latent of every step. The samples are held in memory. */
export function samplingWatch(most = ELEMENTS_MAX): Watch & Samples {
  const samples: Samples = { residual: [], clean: [] };
  return {
    ...samples,
    async computed(step, feeds, { sessions, sampler }) {
      const latent = sampleOf(floatsOf(feeds[cutNames.latent]!), most);
      const out = await sessions.full.run(feeds);
      const prediction = sampleOf(floatsOf(out[cutNames.prediction]!), most);
      const { latent: kept, prediction: added } = sampler.clean[step]!;
      samples.clean.push(latent.map((value, i) => kept * value + added * prediction[i]!));
      samples.residual.push(sampleOf(floatsOf(out[cutNames.residual]!), most));
      return out;
    },
  };
}

/** Generation without cache from which others can branch off. */
export interface Trunk {
  /** Predictions of all steps. */
  readonly predictions: Float32Array[];
  /** Predictions that the steps to try would have made if they had reused an older residual. */
  readonly reused: Map<number, Float32Array>;
  /** Latents after these steps. */
  readonly latents: Map<number, Float32Array>;
}

/**
 * Records the predictions of a generation, and those that reuse would have made at some of its steps: with the residual
 * of two steps before, or of one where the transformer has made no more. Two residuals and the latents of all steps are
 * held in memory.
 */
export function trunkWatch(tried: readonly number[]): Watch & Trunk {
  const trunk: Trunk = { predictions: [], reused: new Map(), latents: new Map() };
  /** Newest first, of the present transformer. */
  let residuals: Tensor[] = [];
  let owner: DenoisingSessions | null = null;
  return {
    ...trunk,
    async computed(step, feeds, { sessions }) {
      if (owner !== sessions) [residuals, owner] = [[], sessions];
      if (tried.includes(step - 1)) trunk.latents.set(step - 1, floatsOf(feeds[cutNames.latent]!).slice());
      const old = residuals.at(-1);
      if (old && tried.includes(step)) {
        const out = await sessions.reuse.run({ ...feeds, [cutNames.residual]: old });
        trunk.reused.set(step, floatsOf(out[cutNames.prediction]!));
      }
      const out = await sessions.full.run(feeds);
      trunk.predictions.push(floatsOf(out[cutNames.prediction]!));
      residuals = [out[cutNames.residual]!, ...residuals].slice(0, 2);
      return out;
    },
  };
}

/**
 * Repeats a generation up to a step, reuses there, and computes the rest: the steps before are not computed again.
 * `after` becomes the latent after that step.
 */
export function branchWatch(trunk: Trunk, branch: number): Watch & { after: Float32Array | null } {
  const watch: ReturnType<typeof branchWatch> = {
    after: null,
    async computed(step, feeds, { sessions }) {
      if (step < branch) return replayed(trunk.predictions[step]!, feeds);
      if (step === branch) return replayed(trunk.reused.get(step)!, feeds);
      if (step === branch + 1) watch.after = floatsOf(feeds[cutNames.latent]!).slice();
      return sessions.full.run(feeds);
    },
  };
  return watch;
}

/** Makes the outputs of a step from its prediction. Without a cache, nobody looks at the residual. */
function replayed(data: Float32Array, feeds: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const { shape } = feeds[cutNames.latent]!;
  return {
    [cutNames.prediction]: { dtype: "float32", shape, data },
    [cutNames.residual]: { dtype: "float32", shape: [0], data: new Float32Array() },
  };
}

function floatsOf({ data }: Tensor): Float32Array {
  return data as Float32Array;
}
