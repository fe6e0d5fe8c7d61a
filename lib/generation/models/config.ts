import * as z from "zod";
import { faultsOf, inOneSentence } from "../../shared/sentences/index.ts";

/**
 * Parses the members of a checkpoint's config.json that a builder needs; other members are ignored.
 *
 * @throws Error naming the model and every member that is missing or cannot be built
 */
export function parseConfig<T>(model: string, schema: z.ZodType<T>, config: unknown): T {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  // The configuration of a part without a config.json is an empty object.
  if (Object.keys(config ?? {}).length === 0)
    throw new Error(`${model} has no config.json in its folder: put it beside the weights.`);
  const faults = faultsOf(schema, config, { whole: "it" });
  throw new Error(`The config.json of ${model} cannot be used: ${inOneSentence(faults)}`);
}

export const positiveInteger = z.int().positive();
