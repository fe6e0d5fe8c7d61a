import type { z } from "zod";
import { ddim, ddimSchema } from "./ddim.ts";
import { flowEuler, flowEulerSchema } from "./flow-euler.ts";
import { pndm, pndmSchema } from "./pndm.ts";
import { rectifiedFlow, rectifiedFlowSchema } from "./rectified-flow.ts";
import type { Sampler, SamplingRun } from "./sampler.ts";
import { uniPC, uniPCSchema } from "./unipc.ts";

/** The scheduler of a model folder: its class, and what its `scheduler_config.json` holds. */
export interface Scheduler {
  readonly className: string;
  readonly config: unknown;
}

/**
 * Makes the sampler of one video.
 *
 * @throws RangeError, in words for a user, if the steps or the size are out of range
 */
export type SamplerFactory = (run: SamplingRun) => Sampler;

const samplers: Readonly<Record<string, (config: unknown) => SamplerFactory>> = {
  RFlowScheduler: configured(rectifiedFlowSchema, rectifiedFlow),
  FlowMatchEulerDiscreteScheduler: configured(flowEulerSchema, flowEuler),
  UniPCMultistepScheduler: configured(uniPCSchema, uniPC),
  DDIMScheduler: configured(ddimSchema, ddim),
  PNDMScheduler: configured(pndmSchema, pndm),
};

/**
 * The sampler a model folder names, read once and ready for every video.
 *
 * @throws Error for a class that is not known, or a config it cannot follow
 */
export function samplerOf({ className, config }: Scheduler): SamplerFactory {
  const read = Object.hasOwn(samplers, className) ? samplers[className] : undefined;
  if (read) return read(config);
  throw new Error(`it is a ${className}, and Adareel knows only ${Object.keys(samplers).join(", ")}`);
}

function configured<C>(
  schema: z.ZodType<C>,
  sampler: (run: SamplingRun & { readonly config: C }) => Sampler,
): (config: unknown) => SamplerFactory {
  return (config) => {
    const parsed = schema.safeParse(config);
    if (parsed.success) return (run) => sampler({ ...run, config: parsed.data });
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "it"}: ${message}`);
    throw new Error(faults.join("; "));
  };
}
