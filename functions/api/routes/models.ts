import { Hono } from "hono";
import * as z from "zod";
import type { ApiDeps, ApiEnv, ModelCard } from "../env.ts";
import { operation } from "../openapi/operation.ts";
import { ApiError } from "../problem.ts";

export const modelSchema = z
  .object({
    id: z.string(),
    object: z.literal("model"),
    created: z.int(),
    owned_by: z.string(),
    sizes: z.array(z.string()),
    num_frames: z.array(z.int()),
    fps: z.array(z.int()),
    steps: z.int().describe("What a request takes that names none; so for guidance_scale."),
    guidance_scale: z.number(),
    takes_image: z.boolean().describe("Whether a video may begin with a picture, as `input_reference`."),
    needs_image: z.boolean().describe("Whether it must."),
    takes_last_image: z.boolean().describe("Whether it may end with another one."),
    needs_last_image: z.boolean().describe("Whether it must."),
    loras: z
      .array(
        z.object({
          name: z.string(),
          title: z.string().nullable(),
          trigger_words: z.array(z.string()),
          steps: z.int().nullable(),
          guidance_scale: z.number().nullable(),
        }),
      )
      .describe(
        "LoRAs that a request may name in `loras`, with the steps and the guidance scale that it then takes where it " +
          "names none; null for the model's.",
      ),
  })
  .meta({ id: "Model" });

/** Routes that list the models of this deployment and their limits. The first value of each list is the default. */
export function modelRoutes({ models }: ApiDeps) {
  return new Hono<ApiEnv>()
    .get(
      "/",
      operation({
        id: "listModels",
        tag: "Models",
        summary: "List models",
        description: "The models of this deployment with the values they take, the default first.",
        returns: z.object({ object: z.literal("list"), data: z.array(modelSchema) }),
      }),
      (c) => c.json({ object: "list" as const, data: models.map(modelView) }),
    )
    .get(
      "/:id",
      operation({
        id: "getModel",
        tag: "Models",
        summary: "Get a model",
        returns: modelSchema,
        problems: ["not_found"],
      }),
      (c) => {
        const model = models.find(({ name }) => name === c.req.param("id"));
        if (!model) throw new ApiError("not_found", "There is no model with this id.");
        return c.json(modelView(model));
      },
    );
}

/** Converts a model to its form in the answers of the API. */
export function modelView({ name, limits }: ModelCard): z.infer<typeof modelSchema> {
  return {
    id: name,
    object: "model",
    created: 0,
    owned_by: "adareel",
    sizes: limits.sizes.map(([width, height]) => `${width}x${height}`),
    num_frames: limits.frames,
    fps: limits.fps,
    steps: limits.steps,
    guidance_scale: limits.guidance_scale,
    takes_image: limits.takes_image ?? false,
    needs_image: limits.needs_image ?? false,
    takes_last_image: limits.takes_last_image ?? false,
    needs_last_image: limits.needs_last_image ?? false,
    loras: (limits.loras ?? []).map(({ name, title, trigger_words, steps, guidance_scale }) => ({
      name,
      title: title ?? null,
      trigger_words: trigger_words ?? [],
      steps: steps ?? null,
      guidance_scale: guidance_scale ?? null,
    })),
  };
}
