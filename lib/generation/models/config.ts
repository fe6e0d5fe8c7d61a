import * as z from "zod";

/**
 * Reads what a builder needs from a checkpoint's config.json; other members are ignored.
 *
 * @throws Error naming the model and every member that is missing or cannot be built
 */
export function parseConfig<T>(model: string, schema: z.ZodType<T>, config: unknown): T {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  // A part without the file is read as an empty one.
  if (Object.keys(config ?? {}).length === 0)
    throw new Error(`${model} has no config.json in its folder: put it beside the weights.`);
  const faults = result.error.issues.map(({ path, message }) => `${path.join(".") || "it"}: ${message}`);
  throw new Error(`The config.json of ${model} cannot be used: ${faults.join("; ")}.`);
}

export const positiveInteger = z.int().positive();
