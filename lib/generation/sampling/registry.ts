import type { z } from "zod";
import { faultsOf, inOneSentence, nameOf } from "../../shared/sentences/index.ts";
import { ddim, ddimSchema } from "./ddim.ts";
import { dmd, dmdSchema } from "./dmd.ts";
import { flowEuler, flowEulerSchema } from "./flow-euler.ts";
import { pndm, pndmSchema } from "./pndm.ts";
import { rectifiedFlow, rectifiedFlowSchema } from "./rectified-flow.ts";
import type { Sampler, SamplingRun } from "./sampler.ts";
import { uniPC, uniPCSchema } from "./unipc.ts";

/** Scheduler of a model folder: its class, and the content of its `scheduler_config.json`. */
export interface Scheduler {
  readonly className: string;
  readonly config: unknown;
}

/**
 * Creates the sampler of one video.
 *
 * @throws RangeError, in words for a user, if the steps or the size are out of range
 */
export type SamplerFactory = (run: SamplingRun) => Sampler;

const samplers: Readonly<Record<string, (config: unknown) => SamplerFactory>> = {
  RFlowScheduler: configured(rectifiedFlowSchema, rectifiedFlow),
  FlowMatchEulerDiscreteScheduler: configured(flowEulerSchema, flowEuler, { takesShares: true }),
  UniPCMultistepScheduler: configured(uniPCSchema, uniPC),
  DMDScheduler: configured(dmdSchema, dmd),
  DDIMScheduler: configured(ddimSchema, ddim),
  PNDMScheduler: configured(pndmSchema, pndm),
};

/**
 * Returns the factory of the sampler that a model folder names; the config is parsed once for all videos.
 *
 * @throws Error if the class is unknown, or the config asks for something that is not implemented
 */
export function samplerOf({ className, config }: Scheduler): SamplerFactory {
  const read = Object.hasOwn(samplers, className) ? samplers[className] : undefined;
  if (read) return read(config);
  const known = Object.keys(samplers).join(", ");
  throw new Error(
    `it is a ${nameOf(className)}, and Adareel knows only ${known}: save the model with one of these`,
  );
}

function configured<C>(
  schema: z.ZodType<C>,
  sampler: (run: SamplingRun & { readonly config: C }) => Sampler,
  { takesShares = false } = {},
): (config: unknown) => SamplerFactory {
  return (config) => {
    const parsed = schema.safeParse(config);
    if (parsed.success)
      return (run) => {
        if (!run.shares || takesShares) return sampler({ ...run, config: parsed.data });
        throw new RangeError("This model needs noise levels that its scheduler cannot take.");
      };
    throw new Error(inOneSentence(faultsOf(schema, config, { whole: "it" })).replace(/\.$/, ""));
  };
}
