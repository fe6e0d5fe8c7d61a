import * as z from "zod";
import { cacheSettingSchema } from "../../../lib/generation/caching/index.ts";
import { MAX_SEED, MAX_STEPS } from "../../../lib/generation/sampling/index.ts";
import { EVENT_TYPES } from "../../../lib/service/jobs/index.ts";
import { MAX_FPS } from "../../../lib/shared/limits.ts";
import { modelText } from "./text.ts";

const TIMEOUT_SECONDS = { least: 10, most: 6 * 3600, usual: 3600 } as const;

const steps = z.int().min(1).max(MAX_STEPS);

const metadata = z
  .record(z.string().min(1).max(64), z.string().max(512))
  .refine((record) => Object.keys(record).length <= 16, "may have at most 16 keys")
  .describe("Up to 16 texts of your own, echoed in the video and its webhooks.");

const refusedParameter = (name: string) =>
  z
    .unknown()
    .optional()
    .refine((value) => value === undefined, {
      error: `${name} is not supported: videos are made from text only`,
      params: { code: "unsupported_parameter" },
    });

/** What of a request a trigger or a remix may fix; everything but the prompt and the webhook. */
const settings = {
  model: z.string().max(128).optional().describe("A model of this deployment; its first when left out."),
  seconds: z
    .union([z.string().regex(/^\d{1,4}(\.\d{1,3})?$/, "must be a number of seconds"), z.number().positive()])
    .optional()
    .describe("Length; must come to a number of frames that the model makes."),
  num_frames: z.int().positive().optional().describe("Length in frames; instead of `seconds`."),
  size: z
    .string()
    .regex(/^\d{1,5}x\d{1,5}$/, "must be width x height in pixels, such as 64x64")
    .optional()
    .describe("Width x height in pixels; the model's first when left out."),
  fps: z.int().min(1).max(MAX_FPS).optional().describe("Frames a second; the model's first when left out."),
  steps: steps.optional().describe("Denoising steps."),
  num_inference_steps: steps.optional().describe("Another name of `steps`."),
  guidance_scale: z.number().min(0).max(100).optional().describe("How closely to follow the prompt."),
  negative_prompt: modelText(4000).optional().describe("What to steer away from."),
  seed: z.int().min(0).max(MAX_SEED).optional().describe("Drawn and told when left out."),
  cache: cacheSettingSchema.optional(),
  compare: z
    .boolean()
    .optional()
    .describe("Also makes the video without cache and measures the difference; takes as much longer."),
  metadata: metadata.optional(),
  timeout: z
    .int()
    .min(TIMEOUT_SECONDS.least)
    .max(TIMEOUT_SECONDS.most)
    .default(TIMEOUT_SECONDS.usual)
    .describe("Seconds after which an unfinished job fails."),
};

const settingsSchema = z.strictObject(settings);

export type VideoSettings = z.infer<typeof settingsSchema>;

const webhook = {
  webhook_url: z.string().max(2048).optional().describe("Told of this video, besides the webhook endpoints."),
  webhook_events: z
    .array(z.enum(EVENT_TYPES))
    .min(1)
    .max(EVENT_TYPES.length)
    .optional()
    .describe("video.completed and video.failed when left out."),
};

/** @param promptCharactersMax what the deployment allows */
export function videoCreateSchema(promptCharactersMax: number) {
  return z.strictObject({
    prompt: modelText(promptCharactersMax)
      .pipe(z.string().min(1, "must say what the video should show"))
      .describe("What the video should show."),
    ...settings,
    ...webhook,
    input_reference: refusedParameter("input_reference"),
  });
}

export type VideoCreate = z.infer<ReturnType<typeof videoCreateSchema>>;

export function remixSchema(promptCharactersMax: number) {
  const { prompt } = videoCreateSchema(promptCharactersMax).shape;
  const { seed, metadata } = settings;
  return z.strictObject({ prompt, seed, metadata, ...webhook });
}
