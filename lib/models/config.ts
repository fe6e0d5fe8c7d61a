import * as z from "zod";

/**
 * Reads what a builder needs from a checkpoint's config.json; other members are ignored.
 *
 * @throws Error naming the model and every member that is missing or cannot be built
 */
export function parseConfig<T>(model: string, schema: z.ZodType<T>, config: unknown): T {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => `${path.join(".") || "it"}: ${message}`);
  throw new Error(`The config.json of ${model} cannot be used: ${faults.join("; ")}.`);
}

export const positiveInteger = z.int().positive();
