import type { MeasuredRun } from "../../../lib/service/quotes/index.ts";

type Changes = Partial<Omit<MeasuredRun, "seconds">> & { readonly seconds?: Partial<MeasuredRun["seconds"]> };

/** Makes a run of 30 steps, of which 10 were computed for a second each, that took 13 seconds. */
export function sampleRun({ seconds, ...changes }: Changes = {}): MeasuredRun {
  return {
    at: Date.UTC(2026, 11, 1),
    width: 64,
    height: 64,
    frames: 16,
    steps: 30,
    evaluations: 30,
    computed: 10,
    isGuided: true,
    policy: "static:3",
    isCompared: false,
    isAudited: false,
    worker: "cpu",
    isCold: false,
    seconds: {
      load: 0,
      encode: 0.5,
      decode: 1,
      write: 0.25,
      upload: 0.25,
      make: 12.2,
      computedStep: 1,
      reusedStep: 0.01,
      wait: 0.1,
      ...seconds,
    },
    ahead: 0,
    ...changes,
  };
}
