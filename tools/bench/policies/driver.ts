import { cutNames } from "../../../lib/generation/models/index.ts";
import type { Tensor } from "../../../lib/generation/onnx/index.ts";
import type { DenoisingSessions, Observed, Observer } from "../../../lib/generation/pipeline/index.ts";
import { openedParts } from "./opened-parts.ts";
import type { RivalContext, RivalRun } from "./rival.ts";

/** Facts of a run that the driver knows; the calibration is added by the caller. */
export type RunFacts = Omit<RivalContext, "calibration">;

/** Puts rivals between the product's denoising loop and its sessions. */
export interface Driver {
  readonly observer: Observer;
  /**
   * Drives the next generation, which must be asked for without cache: every step of the loop becomes a step of the
   * rival. `start` is called once for each transformer. Null leaves the sessions as they are.
   */
  drive(start: ((facts: RunFacts) => RivalRun) | null): void;
  /** Cost of the generation since `drive`, in computed steps. */
  cost(): number;
  /** Releases the sessions that rivals have opened. */
  release(): Promise<void>;
}

// The loop keeps the residual of a computed step, and without cache never reads it.
const NO_RESIDUAL: Tensor = { dtype: "float32", shape: [0], data: new Float32Array() };

/** Returns a driver that drives nothing yet. */
export function rivalDriver(): Driver {
  const parts = openedParts();
  let start: ((facts: RunFacts) => RivalRun) | null = null;
  let cost = 0;
  let index = 0;

  function driven(sessions: DenoisingSessions, of: Observed, run: RivalRun): DenoisingSessions {
    const count = (steps: number) => {
      cost += steps;
    };
    return {
      ...sessions,
      full: {
        ...sessions.full,
        async run(feeds) {
          const latent = feeds[cutNames.latent]!;
          const graphs = parts.step(sessions, of, feeds, count);
          const prediction = await run.step({ index, latent: latent.data as Float32Array, graphs });
          index += 1;
          return {
            [cutNames.prediction]: { ...latent, data: prediction },
            [cutNames.residual]: NO_RESIDUAL,
            // Sessions that also measure signals hand the probe from step to step.
            ...(feeds[cutNames.previousProbe] && { [cutNames.probe]: feeds[cutNames.previousProbe] }),
          };
        },
      },
    };
  }

  return {
    observer: {
      signals: [],
      through(sessions, of) {
        if (!start) return sessions;
        const { transformer, guidanceScale, cut } = of;
        const { timesteps } = of.sampler;
        const { blocks, latent, width } = transformer;
        const batch = cut.batch ?? 2;
        const steps = timesteps.length;
        return driven(sessions, of, start({ steps, timesteps, blocks, latent, width, guidanceScale, batch }));
      },
    },
    drive(next) {
      [start, cost, index] = [next, 0, 0];
    },
    cost: () => cost,
    release: () => parts.release(),
  };
}
