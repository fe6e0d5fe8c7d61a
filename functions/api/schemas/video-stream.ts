import * as z from "zod";
import { deletedSchema, videoSchema } from "./video.ts";

/** Data of `progress`: what has changed of a video since the event before. */
export const progressEventSchema = z.object({
  status: videoSchema.shape.status,
  attempt: z.int().nonnegative().describe("Worker that makes it, counted from 1. The next one begins anew."),
  queue_position: videoSchema.shape.queue_position,
  stage: videoSchema.shape.stage,
  steps: z.int().nonnegative().nullable().describe("Denoising steps in all."),
  steps_done: videoSchema.shape.steps_done,
  steps_computed: z.int().nonnegative().nullable().describe("Computed ones among those that are done."),
  seconds_left: videoSchema.shape.seconds_left,
  taken: z
    .array(z.object({ step: z.int().positive(), computed: z.boolean() }))
    .describe("Steps that ended since the event before; each is told of once."),
});

export type ProgressEvent = z.infer<typeof progressEventSchema>;

/** Data of `preview`: what the video looks like so far. */
export const previewEventSchema = z.object({
  step: z.int().nonnegative().describe("Steps that were done."),
  data: z.string().describe("A `data:` URL of a small moving picture, an animated WebP."),
});

export type PreviewEvent = z.infer<typeof previewEventSchema>;

/** Schemas of the data of a stream's events, by the name of the event. */
export const streamEventSchemas = {
  status: videoSchema,
  progress: progressEventSchema,
  preview: previewEventSchema,
  deleted: deletedSchema,
} as const;

export type StreamEvents = {
  readonly [Event in keyof typeof streamEventSchemas]: z.infer<(typeof streamEventSchemas)[Event]>;
};
