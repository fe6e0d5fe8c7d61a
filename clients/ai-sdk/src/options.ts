import { InvalidArgumentError } from "@ai-sdk/provider";
import * as z from "zod";

/**
 * Fields of the service's own that a call may set as `providerOptions.adareel`, by their names in its reference. Others
 * are passed on as they are, and the service says what it does not know.
 */
const schema = z
  .object({
    /** `"auto"`, `"off"`, `"fast"`, or an object with a policy or a promise. */
    cache: z.union([z.string(), z.record(z.string(), z.json())]).optional(),
    quality: z.enum(["lossless", "high"]).optional(),
    steps: z.number().optional(),
    guidance_scale: z.number().optional(),
    negative_prompt: z.string().optional(),
    /** Length in frames, in place of `duration`. */
    num_frames: z.number().optional(),
    loras: z.array(z.union([z.string(), z.record(z.string(), z.json())])).optional(),
    /** Whether the service makes previews while it denoises. */
    preview: z.boolean().optional(),
    /** Texts of your own, echoed in webhooks. */
    metadata: z.record(z.string(), z.string()).optional(),
    /** Seconds after which an unfinished video fails. */
    timeout: z.number().optional(),
  })
  .catchall(z.json());

export type AdareelVideoOptions = z.infer<typeof schema>;

/** Fields that the call itself sets. */
const OF_THE_CALL = ["prompt", "model", "webhook_url"];

/** Returns the options of a call for this provider. @throws InvalidArgumentError */
export function videoOptions(given: unknown): AdareelVideoOptions {
  const parsed = schema.safeParse(given ?? {});
  const [fault] = parsed.error?.issues ?? [];
  if (fault) throw refusal(["adareel", ...fault.path.map(String)].join("."), fault.message);
  const options = parsed.data!;
  const taken = OF_THE_CALL.find((name) => name in options);
  if (taken !== undefined) throw refusal(`adareel.${taken}`, "the call itself sets this field");
  return options;
}

function refusal(place: string, what: string): InvalidArgumentError {
  return new InvalidArgumentError({
    argument: "providerOptions",
    message: `providerOptions.${place}: ${what}.`,
  });
}
