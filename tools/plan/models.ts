import { publishedModels } from "../../lib/generation/models/index.ts";
import { type Figure, figure } from "./figure.ts";
import type { GpuName } from "./speeds.ts";

export const CACHES = ["off", "slow", "fast"] as const;
export type Cache = (typeof CACHES)[number];

/** Denoising time of one video. */
export type Denoising =
  | {
      readonly by: "steps";
      readonly steps: Figure;
      /** Seconds per computed step. */
      readonly stepSeconds: Figure;
      /** Time of a reused step divided by that of a computed step. */
      readonly reusedRatio: Figure;
      /** Mean number of computed steps. With cache off, all steps are computed. */
      readonly computedSteps: Readonly<Record<Exclude<Cache, "off">, Figure>>;
    }
  | {
      /** Whole latency in seconds, as published by others. */
      readonly by: "latency";
      readonly seconds: Readonly<Record<Cache, Figure>>;
    };

/** Numbers of a model that a plan is based on. */
export interface PlanModel {
  /** Name and shape of its videos. */
  readonly title: string;
  /** Hardware that its times were measured on. */
  readonly hardware: string;
  /** GPU among that hardware, or null. */
  readonly gpu: GpuName | null;
  readonly denoising: Denoising;
  /** Seconds to open the model (for an instance's first job), encode the prompt, decode frames, and write files. */
  readonly load: Figure;
  readonly encode: Figure;
  readonly decode: Figure;
  readonly write: Figure;
  /** Sizes of the model and of a video in the bucket. */
  readonly modelGb: Figure;
  readonly videoMb: Figure;
  /** Default instance type. */
  readonly instanceType: string;
}

const BENCHMARKS = "docs/benchmarks.md, 2026-11-22, 2 CPU cores";
const COMMAND = "npm run generate --json, median of ten runs, 2026-11-25, 2 CPU cores";
const INCLUDED = "part of the published latency, though the paper does not say so";

/** Returns what plans assume of a model that others have timed on a GPU. */
function timedByOthers(name: string, shape: string, gpu: GpuName): Omit<PlanModel, "denoising"> {
  return {
    title: `${name}, ${shape}`,
    hardware: `one ${gpu} (published)`,
    gpu,
    load: figure(30, "assumed", "opening sessions on downloaded files; not measured on a GPU"),
    encode: figure(0, "assumed", INCLUDED),
    decode: figure(0, "assumed", INCLUDED),
    write: figure(3, "assumed", "MP4, poster and upload; not measured at this size"),
    modelGb: figure(gigabytesOf(name), "assumed", "the estimated download of npm run models"),
    videoMb: figure(3, "assumed", "a few seconds of video at this size, with its poster"),
    instanceType: "ml.g6e.2xlarge",
  };
}

/** Returns a model with the latencies on one A100 that the authors of AdaCache published for their own code. */
function published(name: string, shape: string, table: string, seconds: Record<Cache, number>): PlanModel {
  const source = `AdaCache (arXiv 2411.02397), ${table}: the authors' code on one A100`;
  const latency = (cache: Cache) => figure(seconds[cache], "published", source);
  return {
    ...timedByOthers(name, shape, "A100"),
    denoising: {
      by: "latency",
      seconds: { off: latency("off"), slow: latency("slow"), fast: latency("fast") },
    },
  };
}

/**
 * Returns a model of which only the latency without a cache was published, by its authors. With a cache, it computes
 * the same share of steps as the demo model: an assumption.
 */
function publishedUncached(
  name: string,
  shape: string,
  { gpu, steps, seconds, source }: Uncached,
): PlanModel {
  const share = (computed: Figure) =>
    figure((computed.value / DEMO_STEPS.steps.value) * steps, "assumed", SAME_SHARE);
  const { fast, slow } = DEMO_STEPS.computedSteps;
  return {
    ...timedByOthers(name, shape, gpu),
    denoising: {
      by: "steps",
      steps: figure(steps, "published", `the steps of ${source}`),
      stepSeconds: figure(seconds / steps, "published", `${seconds} s for ${steps} steps: ${source}`),
      reusedRatio: figure(DEMO_STEPS.reusedRatio.value, "assumed", "that of the demo model"),
      computedSteps: { slow: share(slow), fast: share(fast) },
    },
  };
}

/** Published time of a video without a cache. */
interface Uncached {
  readonly gpu: GpuName;
  readonly steps: number;
  readonly seconds: number;
  readonly source: string;
}

function gigabytesOf(name: string): number {
  return publishedModels.find(({ hub }) => hub?.name === name)!.hub!.gigabytes;
}

/** Steps of the demo model, the only one whose policies were measured here. */
export const DEMO_STEPS = {
  by: "steps",
  steps: figure(30, "measured", BENCHMARKS),
  stepSeconds: figure(0.0155, "measured", BENCHMARKS),
  reusedRatio: figure(0.0244, "measured", BENCHMARKS),
  computedSteps: {
    slow: figure(17.2, "measured", BENCHMARKS),
    fast: figure(10.1, "measured", BENCHMARKS),
  },
} as const satisfies Denoising;

/** Source of computed steps that nobody has measured. */
export const SAME_SHARE = "the demo model's share of computed steps at 30 steps";

const demo: PlanModel = {
  title: "demo, 64x64 pixels, 16 frames, 30 steps",
  hardware: "2 CPU cores (measured); no GPU number",
  gpu: null,
  denoising: DEMO_STEPS,
  load: figure(0.36, "measured", COMMAND),
  encode: figure(0.006, "measured", COMMAND),
  decode: figure(0.095, "measured", COMMAND),
  write: figure(0.088, "measured", `${COMMAND}, to a local disk, without the upload`),
  modelGb: figure(0.02, "measured", "size of models/demo"),
  videoMb: figure(0.01, "measured", COMMAND),
  instanceType: "ml.m5.xlarge",
};

/** Models by their names, which are those of `npm run models`, and by the size of the videos that were timed. */
export const MODELS: Readonly<Record<string, Readonly<Record<string, PlanModel>>>> = {
  demo: { "64x64": demo },
  "open-sora-1.2": {
    "480p": published("open-sora-1.2", "480p, 2 s, 30 steps", "Table 1", {
      off: 54.02,
      slow: 37.01,
      fast: 24.16,
    }),
    "720p": published("open-sora-1.2", "720p, 2 s, 100 steps", "Table 3", {
      off: 419.6,
      slow: 274.3,
      fast: 89.53,
    }),
  },
  "open-sora-plan-1.1": {
    "512x512": published("open-sora-plan-1.1", "512x512, 2.7 s, 150 steps", "Table 1", {
      off: 129.67,
      slow: 58.88,
      fast: 35.04,
    }),
  },
  "latte-1": {
    "512x512": published("latte-1", "512x512, 2 s, 50 steps", "Table 1", {
      off: 32.45,
      slow: 20.35,
      fast: 11.85,
    }),
  },
  "wan2.1-1.3b": {
    "480p": publishedUncached("wan2.1-1.3b", "480p, 5 s, 50 steps", {
      gpu: "RTX 4090",
      steps: 50,
      seconds: 240,
      source: "the README of Wan2.1, about 4 minutes on one RTX 4090",
    }),
  },
  "wan2.2-a14b": {
    "720p": {
      ...publishedUncached("wan2.2-a14b", "720p, 5 s, 40 steps", {
        gpu: "A100",
        steps: 40,
        seconds: 2735.7,
        source: "the table of computational efficiency of Wan2.2, one A100, as quoted in its issue 284",
      }),
      // It needs 54.6 GiB at least (docs/models.md).
      instanceType: "ml.p5.4xlarge",
    },
  },
};

/**
 * Returns the seconds that a video occupies an instance whose model is loaded.
 *
 * @param speed speed of the instance over that of the measured hardware; writing files does not get faster
 */
export function videoSeconds(model: PlanModel, cache: Cache, speed: number): number {
  const { denoising, encode, decode, write } = model;
  return (encode.value + denoisingSeconds(denoising, cache) + decode.value) / speed + write.value;
}

export function denoisingSeconds(denoising: Denoising, cache: Cache): number {
  if (denoising.by === "latency") return denoising.seconds[cache].value;
  const { steps, stepSeconds, reusedRatio, computedSteps } = denoising;
  const computed = cache === "off" ? steps.value : computedSteps[cache].value;
  return stepSeconds.value * (computed + (steps.value - computed) * reusedRatio.value);
}
