import { type Figure, figure } from "./figure.ts";

export const CACHES = ["off", "slow", "fast"] as const;
export type Cache = (typeof CACHES)[number];

/** How long the denoising of one video takes. */
export type Denoising =
  | {
      readonly by: "steps";
      readonly steps: Figure;
      /** Seconds of a computed step. */
      readonly stepSeconds: Figure;
      /** The time of a reused step over that of a computed one. */
      readonly reusedRatio: Figure;
      /** Without cache all of them are computed. */
      readonly computedSteps: Readonly<Record<Exclude<Cache, "off">, Figure>>;
    }
  | {
      /** The whole of it, as others report it: seconds. */
      readonly by: "latency";
      readonly seconds: Readonly<Record<Cache, Figure>>;
    };

/** What a plan needs to know of a model. */
export interface PlanModel {
  /** What its videos are, and what its times were taken on. */
  readonly title: string;
  readonly hardware: string;
  readonly denoising: Denoising;
  /** Seconds: opening the model with an instance's first job, the prompt, the frames, the files. */
  readonly load: Figure;
  readonly encode: Figure;
  readonly decode: Figure;
  readonly write: Figure;
  /** Of what is kept in the bucket. */
  readonly modelGb: Figure;
  readonly videoMb: Figure;
  /** What it is planned on when nobody says. */
  readonly instanceType: string;
}

const BENCHMARKS = "docs/benchmarks.md, 2026-11-22, 2 CPU cores";
const COMMAND = "npm run generate --json, median of ten runs, 2026-11-25, 2 CPU cores";
const INCLUDED = "taken to be part of the published latency, whose authors do not say";

/** Latencies of a whole video on one A100, as the authors of AdaCache report them for their own code. */
function published(title: string, table: string, seconds: Record<Cache, number>, modelGb: number): PlanModel {
  const source = `AdaCache (arXiv 2411.02397), ${table}: the authors' code on one A100`;
  const latency = (cache: Cache) => figure(seconds[cache], "published", source);
  return {
    title,
    hardware: "one A100 (published)",
    denoising: {
      by: "latency",
      seconds: { off: latency("off"), slow: latency("slow"), fast: latency("fast") },
    },
    load: figure(30, "assumed", "sessions opened on files that are there already; not measured on a GPU"),
    encode: figure(0, "assumed", INCLUDED),
    decode: figure(0, "assumed", INCLUDED),
    write: figure(3, "assumed", "MP4, poster and upload; not measured at this size"),
    modelGb: figure(modelGb, "assumed", "16-bit weights of transformer, decoder and a T5-XXL text encoder"),
    videoMb: figure(3, "assumed", "a few seconds of video at this size, with its poster"),
    instanceType: "ml.g6e.2xlarge",
  };
}

/** By the name that `--model` takes. */
export const MODELS: Readonly<Record<string, PlanModel>> = {
  demo: {
    title: "demo, 64x64 pixels, 16 frames, 30 steps",
    hardware: "2 CPU cores (measured); no GPU number",
    denoising: {
      by: "steps",
      steps: figure(30, "measured", BENCHMARKS),
      stepSeconds: figure(0.0155, "measured", BENCHMARKS),
      reusedRatio: figure(0.0244, "measured", BENCHMARKS),
      computedSteps: {
        slow: figure(17.2, "measured", BENCHMARKS),
        fast: figure(10.1, "measured", BENCHMARKS),
      },
    },
    load: figure(0.36, "measured", COMMAND),
    encode: figure(0.006, "measured", COMMAND),
    decode: figure(0.095, "measured", COMMAND),
    write: figure(0.088, "measured", `${COMMAND}, to a local disk: the upload is not in it`),
    modelGb: figure(0.02, "measured", "size of models/demo"),
    videoMb: figure(0.01, "measured", COMMAND),
    instanceType: "ml.m5.xlarge",
  },
  "open-sora-1.2": published(
    "Open-Sora 1.2, 480p, 2 s, 30 steps",
    "Table 1",
    { off: 54.02, slow: 37.01, fast: 24.16 },
    14,
  ),
  "open-sora-1.2-720p": published(
    "Open-Sora 1.2, 720p, 2 s, 100 steps",
    "Table 3",
    { off: 419.6, slow: 274.3, fast: 89.53 },
    14,
  ),
  "open-sora-plan-1.1": published(
    "Open-Sora-Plan 1.1, 512x512, 2.7 s, 150 steps",
    "Table 1",
    { off: 129.67, slow: 58.88, fast: 35.04 },
    14,
  ),
  latte: published("Latte, 512x512, 2 s, 50 steps", "Table 1", { off: 32.45, slow: 20.35, fast: 11.85 }, 12),
};

/**
 * Seconds that a video keeps an instance whose model is loaded.
 *
 * @param speed of the instance, over what the times were taken on; files are written no faster
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
