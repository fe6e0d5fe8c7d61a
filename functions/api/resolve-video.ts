import type { CacheSetting } from "../../lib/generation/caching/index.ts";
import { RequestError, type RequestField, resolveRequest } from "../../lib/generation/request/index.ts";
import type { VideoParams } from "../../lib/service/jobs/index.ts";
import type { Random } from "../../lib/shared/ports.ts";
import type { ModelCard, RequestLimits } from "./env.ts";
import { ApiError } from "./problem.ts";
import type { VideoSettings } from "./schemas/video-request.ts";

export interface Resolving {
  readonly models: readonly [ModelCard, ...ModelCard[]];
  readonly limits: RequestLimits;
  readonly random: Random;
}

/**
 * A request with every default filled in and the seed drawn.
 *
 * @throws ApiError naming what the model or the deployment does not do
 */
export function resolveVideo(
  prompt: string,
  settings: Omit<VideoSettings, "metadata" | "timeout">,
  { models, limits, random }: Resolving,
): VideoParams {
  const model = modelOf(models, settings.model);
  const [width, height] = settings.size?.split("x").map(Number) ?? model.limits.sizes[0]!;
  const fps = settings.fps ?? model.limits.fps[0]!;
  const cache = resolveCache(settings.cache ?? "auto");
  const request = {
    prompt,
    seed: settings.seed ?? drawSeed(random),
    steps: agreed("steps", settings.steps, "num_inference_steps", settings.num_inference_steps),
    guidanceScale: settings.guidance_scale,
    negativePrompt: settings.negative_prompt,
    width,
    height,
    fps,
    frames: agreed("num_frames", settings.num_frames, "seconds", framesIn(settings.seconds, fps)),
    cache: cache.policy,
    motion: cache.motion,
    warmup: cache.warmupSteps,
  };
  const resolved = checked(() => resolveRequest(withoutUndefined(request), model.limits), {
    ...FIELD_NAMES,
    frames: settings.num_frames === undefined ? "seconds" : "num_frames",
  });
  const { policy: _, ...video } = resolved;
  const compare = settings.compare ?? false;
  const pixelSteps = video.width * video.height * video.frames * video.steps * (compare ? 2 : 1);
  if (pixelSteps > limits.pixelStepsMax) {
    throw new ApiError(
      "invalid_value",
      `size, frames and steps come to ${pixelSteps} pixel steps; this deployment allows ${limits.pixelStepsMax}.`,
      { param: "size" },
    );
  }
  return { ...video, model: model.name, cache, compare };
}

function modelOf(models: readonly [ModelCard, ...ModelCard[]], name: string | undefined): ModelCard {
  const model = name === undefined ? models[0] : models.find((card) => card.name === name);
  if (model) return model;
  const names = models.map((card) => card.name).join(", ");
  throw new ApiError("invalid_value", `model: this deployment has ${names}.`, { param: "model" });
}

/** What `cache` says in the words of the caching policies. */
function resolveCache(setting: CacheSetting): VideoParams["cache"] {
  const {
    policy,
    codebook,
    motion_regularisation: motion,
    warmup_steps: warmupSteps = 0,
  } = typeof setting === "string" ? { policy: setting } : setting;
  if (policy !== undefined && codebook !== undefined) {
    throw new ApiError("invalid_value", "cache: give a policy or a codebook, not both.", { param: "cache" });
  }
  const name = policy === undefined || policy === "auto" ? "fast" : policy;
  const constants = typeof motion === "object" ? motion : null;
  if (constants && codebook === undefined) {
    throw new ApiError(
      "invalid_value",
      "cache.motion_regularisation: constants go with a codebook of your own.",
      {
        param: "cache.motion_regularisation",
      },
    );
  }
  return {
    policy: codebook ? { codebook, ...(constants && { motion: constants }) } : name,
    motion: motion !== false,
    warmupSteps,
  };
}

function framesIn(seconds: string | number | undefined, fps: number): number | undefined {
  return seconds === undefined ? undefined : Math.round(Number(seconds) * fps);
}

/** The value of a field that has two names. */
function agreed(name: string, value: number | undefined, other: string, otherValue: number | undefined) {
  if (value !== undefined && otherValue !== undefined && value !== otherValue) {
    throw new ApiError("invalid_value", `${name} and ${other} contradict each other: give one of them.`, {
      param: name,
    });
  }
  return value ?? otherValue;
}

/** 32 bits, as other services draw them: short enough to be written down. */
function drawSeed(random: Random): number {
  return Buffer.from(random(4)).readUInt32BE();
}

function checked<R>(resolve: () => R, names: FieldNames): R {
  try {
    return resolve();
  } catch (cause) {
    if (cause instanceof RequestError) {
      const param = cause.field === null ? undefined : names[cause.field];
      throw new ApiError("invalid_value", cause.message, { param, cause });
    }
    throw cause;
  }
}

type FieldNames = Readonly<Record<RequestField, string>>;

/** The API's names of what a request to the pipeline calls otherwise. */
const FIELD_NAMES = {
  prompt: "prompt",
  seed: "seed",
  steps: "steps",
  guidanceScale: "guidance_scale",
  width: "size",
  fps: "fps",
  cache: "cache",
} as const;

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
}
