import * as z from "zod";
import { MAX_FPS } from "../../shared/limits.ts";
import { wordings } from "../../shared/sentences/index.ts";
import { MAX_SEED, MAX_STEPS } from "../sampling/index.ts";
import { cacheAlias, cacheParameter, qualityAlias } from "./cache-parameter.ts";
import type { VideoLimits } from "./limits.ts";
import { lorasParameter } from "./loras.ts";
import { alias, parameter, setting } from "./parameter.ts";
import { checkFps, checkFrames, checkSeconds, checkSize, checkSteps } from "./possible.ts";
import { RequestError } from "./request-error.ts";
import { atMost, modelText } from "./text.ts";

const GUIDANCE_MAX = 100;
const NEGATIVE_PROMPT_CHARACTERS_MAX = 4000;

/** Seed of a request that asks for a random one, as other services write it. */
const RANDOM_SEED = -1;

const positive = z.int().positive();
const steps = z.int().min(1).max(MAX_STEPS);

/** Schema of a prompt of any length; a deployment limits the length. */
export const promptSchema = modelText
  .refine((text) => text !== "", {
    params: { sentence: "The prompt is empty: say what the video should show." },
  })
  .register(wordings, { missing: "The prompt is missing: say what the video should show." });

/**
 * Parameters of a request for a video, by their names in the API, in the order in which people see them. To add a
 * parameter, declare it here and use it where it takes effect; no code in between has to know it.
 */
export const PARAMETERS = {
  prompt: parameter({
    asked: promptSchema,
    text: "What the video should show.",
    takenBy: ["create", "remix"],
    isRequired: true,
    stored: { prompt: z.string() },
    read: (prompt) => ({ prompt }),
    told: null,
    erased: { prompt: "" },
    control: { label: "Prompt", kind: { name: "text", lines: 3 } },
  }),
  model: parameter({
    asked: z.string().min(1).max(128),
    text: "A model of this deployment; its first when left out.",
    takenBy: ["create", "trigger"],
    stored: { model: z.string() },
    read: (model) => ({ model }),
    byDefault: ({ model }) => ({ model }),
    told: null,
    control: { label: "Model", kind: { name: "choice", of: "id" } },
  }),
  size: parameter({
    asked: z
      .string()
      .regex(/^\d{1,5}[xX]\d{1,5}$/)
      .register(wordings, { is: "width x height in pixels, such as 64x64" }),
    text: "Width x height in pixels; the model's first when left out.",
    takenBy: ["create", "trigger"],
    stored: { width: positive, height: positive },
    read: (size) => sizeOf(size.split(/x/i).map(Number)),
    byDefault: ({ limits }) => sizeOf(limits.sizes[0]!),
    check: checkSize,
    told: null,
    flags: [
      {
        name: "size",
        reads: { kind: "text" },
        value: "WxH",
        text: "pixels, such as 64x64",
      },
    ],
    control: { label: "Size", kind: { name: "choice", of: "sizes" } },
  }),
  seconds: alias({
    means: "num_frames",
    asked: z
      .union([z.string().regex(/^\d{1,4}(\.\d{1,3})?$/), z.number().positive()])
      .register(wordings, { is: "a number of seconds above 0, such as 2" }),
    text: "Length; must come to a number of frames that the model makes.",
    takenBy: ["create", "trigger"],
    value: (seconds, { fps }, { limits }) => Math.round(Number(seconds) * Number(fps ?? limits.fps[0])),
    check: (seconds, resolved, limits) =>
      checkSeconds(Number(seconds), resolved as { frames: number; fps: number }, limits),
    flags: [
      {
        name: "seconds",
        reads: { kind: "number" },
        value: "N",
        text: "length of the video, which must come to frames that the model makes",
      },
    ],
  }),
  num_frames: setting("frames", {
    asked: positive,
    text: "Length in frames; instead of `seconds`.",
    takenBy: ["create", "trigger"],
    stored: positive,
    byDefault: ({ limits }) => limits.frames[0]!,
    check: checkFrames,
    flags: [
      {
        name: "num-frames",
        aliases: ["frames"],
        reads: { kind: "number" },
        value: "N",
        text: "length of the video in frames",
      },
    ],
    control: { label: "Length", kind: { name: "choice", of: "num_frames", unit: "frames", per: "fps" } },
  }),
  fps: setting("fps", {
    asked: z.int().min(1).max(MAX_FPS),
    text: "Frames a second; the model's first when left out.",
    takenBy: ["create", "trigger"],
    stored: positive,
    byDefault: ({ limits }) => limits.fps[0]!,
    check: checkFps,
    flags: [{ name: "fps", reads: { kind: "number" }, value: "N", text: "frames a second" }],
    control: { label: "Frame rate", kind: { name: "choice", of: "fps", unit: "fps" } },
  }),
  steps: setting("steps", {
    asked: steps,
    text: "Denoising steps.",
    takenBy: ["create", "trigger"],
    stored: positive,
    byDefault: ({ limits }) => limits.steps,
    check: checkSteps,
    flags: [
      {
        name: "num-inference-steps",
        aliases: ["steps"],
        reads: { kind: "number" },
        value: "N",
        text: `denoising steps, 1 to ${MAX_STEPS}`,
      },
    ],
    control: { label: "Steps", kind: { name: "number", least: 1, most: MAX_STEPS, isWhole: true } },
  }),
  num_inference_steps: alias({
    means: "steps",
    asked: steps,
    text: "Another name of `steps`.",
    takenBy: ["create", "trigger"],
  }),
  guidance_scale: setting("guidanceScale", {
    asked: z.number().min(0).max(GUIDANCE_MAX),
    text: "How closely to follow the prompt.",
    takenBy: ["create", "trigger"],
    stored: z.number().nonnegative(),
    byDefault: ({ limits }) => limits.guidance_scale,
    flags: [
      {
        name: "guidance-scale",
        aliases: ["guidance"],
        reads: { kind: "number" },
        value: "X",
        text: `how closely to follow the prompt, 0 to ${GUIDANCE_MAX}`,
      },
    ],
    control: { label: "Guidance", kind: { name: "number", least: 0, most: GUIDANCE_MAX, isWhole: false } },
  }),
  guidance_scale_2: setting("guidanceScale2", {
    asked: z.number().min(0).max(GUIDANCE_MAX),
    text: "Guidance scale of the second transformer, of a model that has two; the model's when left out.",
    takenBy: ["create", "trigger"],
    /**
     * Null for the model's, or for `guidanceScale` where a request changes that. Records of earlier builds lack it.
     */
    stored: z.number().nonnegative().nullable().default(null),
    byDefault: () => null,
    check: checkSecondGuidance,
    flags: [
      {
        name: "guidance-scale-2",
        reads: { kind: "number" },
        value: "X",
        text: "guidance scale of the second transformer, for models that have two",
      },
    ],
  }),
  negative_prompt: setting("negativePrompt", {
    asked: atMost(modelText, NEGATIVE_PROMPT_CHARACTERS_MAX),
    text: "What to steer away from.",
    takenBy: ["create", "trigger"],
    /** Null for the unconditional text of the model. */
    stored: z.string().nullable(),
    byDefault: ({ limits }) => limits.negative_prompt ?? null,
    erased: null,
    flags: [
      {
        name: "negative-prompt",
        aliases: ["negative"],
        reads: { kind: "text" },
        value: "TEXT",
        text: "what to steer away from",
      },
    ],
    control: {
      label: "Negative prompt",
      hint: "what to steer away from",
      kind: { name: "text", lines: 1, charactersMax: NEGATIVE_PROMPT_CHARACTERS_MAX },
    },
  }),
  image: parameter({
    asked: z.string(),
    text: "Path of the picture that the video begins with.",
    takenBy: [],
    stored: { image: z.string().optional() },
    read: (image) => ({ image }),
    check: checkImage,
    told: null,
    flags: [
      {
        name: "image",
        reads: { kind: "path" },
        value: "FILE",
        text: "picture that the video begins with, for models that go on from one",
      },
    ],
  }),
  last_image: parameter({
    asked: z.string(),
    text: "Path of the picture that the video ends with.",
    takenBy: [],
    stored: { lastImage: z.string().optional() },
    read: (lastImage) => ({ lastImage }),
    check: checkLastImage,
    told: null,
    flags: [
      {
        name: "last-image",
        reads: { kind: "path" },
        value: "FILE",
        text: "picture that the video ends with, for models that go from one to another",
      },
    ],
  }),
  seed: setting("seed", {
    asked: z.int().min(RANDOM_SEED).max(MAX_SEED).register(wordings, { advice: "leave it out to draw one" }),
    text: "Drawn and told when left out, or -1.",
    takenBy: ["create", "trigger", "remix"],
    stored: z.int().nonnegative(),
    flags: [
      {
        name: "seed",
        reads: { kind: "number" },
        value: "N",
        text: "whole number from 0 up; drawn at random when left out or -1, and always printed",
      },
    ],
    control: { label: "Seed", hint: "random when left empty", kind: { name: "drawn number" } },
  }),
  loras: lorasParameter,
  cache: cacheParameter,
  cache_policy: cacheAlias,
  quality: qualityAlias,
  compare: setting("compare", {
    asked: z.boolean(),
    text: "Also makes the video without cache and measures the difference; takes as much longer.",
    takenBy: ["create", "trigger"],
    stored: z.boolean(),
    byDefault: () => false,
    flags: [
      {
        name: "compare",
        reads: { kind: "switch" },
        text: "also generates without cache: prints PSNR, SSIM and both times, writes an HTML page",
      },
    ],
  }),
  audit: setting("audit", {
    asked: z.boolean(),
    text: "Recomputes some reused steps afterwards and reports the real error; takes as much longer.",
    takenBy: ["create", "trigger"],
    /** Records of earlier builds lack it. */
    stored: z.boolean().default(false),
    byDefault: () => false,
    flags: [
      {
        name: "audit",
        reads: { kind: "switch" },
        text: "also makes the video without cache, and reports the PSNR between both",
      },
    ],
    control: { label: "Audit the cache", kind: { name: "switch" } },
  }),
  preview: setting("preview", {
    asked: z.boolean(),
    text: "Shows small pictures of the video while it is made; they change nothing of it.",
    takenBy: ["create", "trigger", "remix"],
    /** Records of earlier builds lack it. */
    stored: z.boolean().default(true),
    byDefault: () => true,
    flags: [
      {
        name: "preview",
        reads: { kind: "on or off" },
        value: "on|off",
        text: "shows the video while it is made, in a terminal of 24-bit colour; on by default",
      },
    ],
  }),
} as const;

/** Returns the seed that a request asks for, or draws one if it leaves that to chance. */
export function seedOf({ seed }: { readonly seed?: number | undefined }, draw: () => number): number {
  return seed === undefined || seed === RANDOM_SEED ? draw() : seed;
}

function sizeOf([width, height]: readonly number[]) {
  return { width: width!, height: height! };
}

function refusal(field: string, message: string): RequestError {
  return new RequestError(message, { field });
}

/** @throws RequestError */
function checkSecondGuidance(
  { guidanceScale, guidanceScale2 }: { guidanceScale: number; guidanceScale2: number | null },
  { guidance_scale_2 }: VideoLimits,
): void {
  if (guidanceScale2 === null || guidance_scale_2 !== undefined || guidanceScale2 === guidanceScale) return;
  throw refusal(
    "guidance_scale_2",
    "This model has one transformer, which guidance_scale guides: leave guidance_scale_2 out.",
  );
}

/** @throws RequestError */
function checkImage({ image, frames }: { image?: string; frames: number }, limits: VideoLimits): void {
  if (image === undefined) {
    if (limits.needs_image) throw refusal("image", "This model makes videos of a picture: give one.");
    return;
  }
  if (!limits.takes_image)
    throw refusal("image", "This model makes videos of a prompt alone, and takes no image.");
  if (frames === 1)
    throw refusal("image", "A video of one frame would be its image: ask for more frames, or give no image.");
}

/** @throws RequestError */
function checkLastImage(
  { image, lastImage }: { image?: string; lastImage?: string },
  { takes_last_image, needs_last_image }: VideoLimits,
): void {
  if (lastImage === undefined) {
    if (needs_last_image)
      throw refusal(
        "last_image",
        "This model makes videos from one picture to another: give the last one, too.",
      );
    return;
  }
  if (!takes_last_image)
    throw refusal(
      "last_image",
      "This model decides how a video ends, and takes no picture for its last frame.",
    );
  if (image === undefined)
    throw refusal("last_image", "A video that ends with a picture begins with one too: give both.");
}
