import * as z from "zod";
import { MAX_FPS, MAX_SIDE } from "../../shared/limits.ts";
import { type CachePolicy, CachePolicyError, parseCachePolicy } from "../caching/index.ts";
import { MAX_SEED, MAX_STEPS } from "../sampling/index.ts";
import { RequestError } from "./request-error.ts";

/** What is to be generated. Everything left out takes the model's default. */
export interface GenerationRequest {
  readonly prompt: string;
  /** An integer from 0 to 2^53 - 1: the same seed gives the same video. */
  readonly seed: number;
  /** What to steer away from; left out, what the model names, or its own notion of no prompt. */
  readonly negativePrompt?: string;
  /** Denoising steps. */
  readonly steps?: number;
  readonly guidanceScale?: number;
  /** `off`, `static:K`, `slow`, `fast`, or the contents of a codebook file. */
  readonly cache?: unknown;
  /** Whether the cache is regularised by motion; on by default. */
  readonly motion?: boolean;
  /** Denoising steps at the start that are computed whatever the cache would choose; 0 by default. */
  readonly warmup?: number;
  /** Pixels. */
  readonly width?: number;
  /** Pixels. */
  readonly height?: number;
  readonly frames?: number;
  readonly fps?: number;
  /** Path of the picture that the video begins with. */
  readonly image?: string;
}

/** A request with every default filled in, checked against the model. */
export interface ResolvedRequest {
  readonly prompt: string;
  readonly negativePrompt: string | null;
  readonly seed: number;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly policy: CachePolicy;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly fps: number;
  /** Path of the picture that the video begins with. */
  readonly image?: string;
}

const positiveInteger = z.int().positive();

const MAX_FRAMES = 10_000;

/**
 * What a model was trained to make: the member `video` of `model_index.json`. The first of each list is the
 * default.
 */
export const videoLimitsSchema = z.object({
  /** [width, height] in pixels. */
  sizes: z.array(z.tuple([positiveInteger.max(MAX_SIDE), positiveInteger.max(MAX_SIDE)])).min(1),
  frames: z.array(positiveInteger.max(MAX_FRAMES)).min(1),
  fps: z.array(positiveInteger.max(MAX_FPS)).min(1),
  steps: positiveInteger,
  guidance_scale: z.number(),
  /** Where a request has none; the model's own notion of no prompt otherwise. */
  negative_prompt: z.string().max(2000).optional(),
  /** Whether a video may begin with a picture. */
  takes_image: z.boolean().optional(),
});

export type VideoLimits = z.infer<typeof videoLimitsSchema>;

const MAX_GUIDANCE = 100;

/**
 * Fills a request in from a model's defaults.
 *
 * @throws RequestError naming the first thing the model cannot do
 */
export function resolveRequest(request: GenerationRequest, limits: VideoLimits): ResolvedRequest {
  const { prompt, seed } = request;
  if (prompt.trim() === "") {
    throw new RequestError("The prompt is empty: say what the video should show.", { field: "prompt" });
  }
  const steps = request.steps ?? limits.steps;
  inRange("steps", steps, 1, MAX_STEPS);
  inRange("seed", seed, 0, MAX_SEED);
  const guidanceScale = request.guidanceScale ?? limits.guidance_scale;
  if (!(guidanceScale >= 0 && guidanceScale <= MAX_GUIDANCE)) {
    throw new RequestError(`guidance must be a number from 0 to ${MAX_GUIDANCE}, got ${guidanceScale}.`, {
      field: "guidanceScale",
    });
  }
  const [defaultWidth, defaultHeight] = limits.sizes[0]!;
  const width = request.width ?? defaultWidth;
  const height = request.height ?? defaultHeight;
  if (!limits.sizes.some(([w, h]) => w === width && h === height)) {
    const sizes = limits.sizes.map(([w, h]) => `${w}x${h}`).join(", ");
    throw new RequestError(`This model cannot make videos of ${width}x${height}: choose ${sizes}.`, {
      field: "width",
    });
  }
  const frames = oneOf("frames", "frames", request.frames, limits.frames);
  if (request.image !== undefined) checkImage(frames, limits);
  return {
    prompt,
    negativePrompt: request.negativePrompt ?? limits.negative_prompt ?? null,
    seed,
    steps,
    guidanceScale,
    policy: resolvePolicy(request, steps),
    width,
    height,
    frames,
    fps: oneOf("fps", "frames per second", request.fps, limits.fps),
    ...(request.image !== undefined && { image: request.image }),
  };
}

function checkImage(frames: number, { takes_image }: VideoLimits): void {
  if (!takes_image) throw new RequestError("This model makes videos of a prompt alone, and takes no image.");
  if (frames === 1)
    throw new RequestError("A video of one frame would be its image: ask for more frames, or give no image.");
}

function resolvePolicy(
  { cache = "fast", motion = true, warmup }: GenerationRequest,
  steps: number,
): CachePolicy {
  try {
    return parseCachePolicy(cache, { steps, motion, warmup });
  } catch (cause) {
    if (cause instanceof CachePolicyError) {
      throw new RequestError(sentence(cause.message), { field: "cache", cause });
    }
    throw cause;
  }
}

function inRange(name: "steps" | "seed", value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new RequestError(`${name} must be a whole number from ${least} to ${most}, got ${value}.`, {
    field: name,
  });
}

function oneOf(
  field: "frames" | "fps",
  name: string,
  value: number | undefined,
  allowed: readonly number[],
): number {
  if (value === undefined) return allowed[0]!;
  if (allowed.includes(value)) return value;
  throw new RequestError(`This model cannot make ${value} ${name}: choose ${choices(allowed)}.`, { field });
}

/** All values, or how they go on where they are many and evenly spaced. */
function choices(allowed: readonly number[]): string {
  const [first, second, third, ...more] = allowed.toSorted((a, b) => a - b) as [number, ...number[]];
  const rest = [second!, third!, ...more];
  const isEven =
    more.length > 2 && rest.every((value, i) => value - (rest[i - 1] ?? first) === second! - first);
  return isEven ? `${first}, ${second}, ${third} and so on up to ${more.at(-1)}` : allowed.join(", ");
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
