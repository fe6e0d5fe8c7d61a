import * as z from "zod";
import {
  CACHE_USAGE,
  type CachePolicy,
  CachePolicyError,
  type CacheSetting,
  cacheSettingSchema,
  parseCachePolicy,
} from "../caching/index.ts";
import { type FlagValues, parameter } from "./parameter.ts";
import { RequestError } from "./request-error.ts";

/** Value of the parameter `cache`. On the command line the policy may also be the contents of a codebook file. */
export type AskedCache =
  | CacheSetting
  | {
      readonly policy?: unknown;
      readonly codebook?: undefined;
      readonly motion_regularisation?: boolean;
      readonly warmup_steps?: number;
    };

const storedCache = z.object({
  /** Name of a policy, or the contents of a codebook file. */
  policy: z.union([z.string(), z.record(z.string(), z.unknown())]),
  motion: z.boolean(),
  warmupSteps: z.int().nonnegative(),
});

type StoredCache = z.infer<typeof storedCache>;

const toldCache = z.object({
  policy: z.string(),
  codebook: z.array(z.unknown()).nullable(),
  motion_regularisation: z.union([z.boolean(), z.record(z.string(), z.unknown())]),
  warmup_steps: z.int(),
});

export const cacheParameter = parameter({
  /** Schema of the API. Codebook files from the command line are checked by `check`. */
  asked: cacheSettingSchema as z.ZodType<AskedCache>,
  takenBy: ["create", "trigger"],
  stored: { cache: storedCache },
  read: (asked) => ({ cache: storedOf(asked) }),
  byDefault: () => ({ cache: storedOf("auto") }),
  check: (resolved: Pick<CachedRun, "cache" | "steps">) => void policyOf(resolved),
  told: { schema: toldCache, value: ({ cache }) => toldOf(cache) },
  flags: [
    {
      name: "cache",
      reads: { kind: "text or JSON file", contents: "codebook" },
      value: "POLICY",
      text: `${CACHE_USAGE}; default fast`,
    },
    {
      name: "motion",
      reads: { kind: "on or off" },
      value: "on|off",
      text: "motion regularisation of slow, fast and codebooks; default on",
    },
    {
      name: "warmup",
      reads: { kind: "number" },
      value: "N",
      text: "the first N steps are always computed, 0 up to all of them; default 0",
    },
  ],
  fromFlags: ({ cache, motion, warmup }: FlagValues) => ({
    ...(cache !== undefined && { policy: cache }),
    ...(motion !== undefined && { motion_regularisation: motion }),
    ...(warmup !== undefined && { warmup_steps: warmup }),
  }),
  isLeftToCheck: true,
  control: { label: "Cache", kind: { name: "cache" } },
});

const MEMBERS = ["policy", "codebook", "motion_regularisation", "warmup_steps"];

/** @throws RequestError for a value that the schema of the API would refuse: other callers are not held by it */
function checkMembers(asked: unknown): void {
  if (typeof asked === "string") return;
  const isObject = typeof asked === "object" && asked !== null && !Array.isArray(asked);
  if (isObject && Object.keys(asked).every((name) => MEMBERS.includes(name))) return;
  throw new RequestError(`cache is the name of a policy, or an object with ${MEMBERS.join(", ")}.`, {
    field: "cache",
  });
}

function storedOf(asked: AskedCache): StoredCache {
  checkMembers(asked);
  const {
    policy,
    codebook,
    motion_regularisation: motion = true,
    warmup_steps: warmupSteps,
  }: Exclude<AskedCache, string> = typeof asked === "string" ? { policy: asked } : asked;
  if (codebook !== undefined && policy !== undefined) {
    throw new RequestError("cache: give a policy or a codebook, not both.", { field: "cache" });
  }
  const constants = typeof motion === "object" ? motion : null;
  if (constants && codebook === undefined) {
    throw new RequestError(
      "cache.motion_regularisation: give constants only together with a codebook of your own.",
      {
        field: "cache.motion_regularisation",
      },
    );
  }
  const named = policy === undefined || policy === "auto" ? "fast" : policy;
  return {
    // `check` refuses a value that is neither the name of a policy nor a codebook file.
    policy: (codebook
      ? { codebook, ...(constants && { motion: constants }) }
      : named) as StoredCache["policy"],
    motion: motion !== false,
    warmupSteps: warmupSteps ?? warmupOfFile(named) ?? 0,
  };
}

/** Returns the warm-up that a codebook file asks for. */
function warmupOfFile(policy: unknown): number | undefined {
  return (policy as { warmup?: number } | null)?.warmup;
}

function toldOf({ policy, motion, warmupSteps }: StoredCache): z.infer<typeof toldCache> {
  const own = typeof policy === "string" ? null : (policy as { codebook: unknown[]; motion?: object });
  return {
    policy: own ? "codebook" : (policy as string),
    codebook: own?.codebook ?? null,
    motion_regularisation: motion && own?.motion ? { ...own.motion } : motion,
    warmup_steps: warmupSteps,
  };
}

/** Part of a resolved request that the cache depends on. */
interface CachedRun {
  readonly cache: StoredCache;
  readonly steps: number;
}

/**
 * Returns the cache policy of a resolved request.
 *
 * @throws RequestError if the policy cannot be used
 */
export function policyOf({ cache, steps }: CachedRun): CachePolicy {
  const { policy, motion, warmupSteps: warmup } = cache;
  try {
    return parseCachePolicy(policy, { steps, motion, warmup });
  } catch (cause) {
    if (!(cause instanceof CachePolicyError)) throw cause;
    const { message } = cause;
    throw new RequestError(`${message.charAt(0).toUpperCase()}${message.slice(1)}.`, {
      field: "cache",
      cause,
    });
  }
}

/** Returns a copy of a request that computes every step. */
export function withoutCache<Request extends CachedRun>(request: Request): Request {
  return { ...request, cache: { ...request.cache, policy: "off" } };
}
