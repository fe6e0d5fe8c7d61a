import * as z from "zod";
import {
  CACHE_USAGE,
  type CachePolicy,
  CachePolicyError,
  cacheFlagSchemas,
  cacheSettingSchema,
  type OutsideSetting,
  outsideSettings,
  parseCachePolicy,
} from "../caching/index.ts";
import { parameter } from "./parameter.ts";
import { RequestError } from "./request-error.ts";

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

/** Cache of a request that says nothing about it. */
const DEFAULT: StoredCache = storedOf("auto");

export const cacheParameter = parameter({
  asked: cacheSettingSchema as z.ZodType<OutsideSetting>,
  askedOutside: outsideSettings,
  takenBy: ["create", "trigger"],
  stored: { cache: storedCache },
  read: (asked) => ({ cache: storedOf(asked) }),
  byDefault: () => ({ cache: DEFAULT }),
  check: (resolved: Pick<CachedRun, "cache" | "steps">) => void policyOf(resolved),
  told: { schema: toldCache, value: ({ cache }) => toldOf(cache) },
  flags: [
    {
      name: "cache",
      member: "policy",
      takes: cacheFlagSchemas.policy,
      reads: { kind: "text or JSON file", contents: "codebook" },
      value: "POLICY",
      text: `${CACHE_USAGE}; default ${DEFAULT.policy}`,
    },
    {
      name: "motion",
      member: "motion_regularisation",
      takes: cacheFlagSchemas.motion,
      reads: { kind: "on or off" },
      value: "on|off",
      text: "motion regularisation of slow, fast and codebooks; default off, unless a codebook has constants for it",
    },
    {
      name: "warmup",
      member: "warmup_steps",
      takes: cacheFlagSchemas.warmup,
      reads: { kind: "number" },
      value: "N",
      text: `the first N steps are always computed, 0 up to all of them; default ${DEFAULT.warmupSteps}`,
    },
  ],
  control: { label: "Cache", kind: { name: "cache" } },
});

function storedOf(asked: OutsideSetting): StoredCache {
  const {
    policy,
    codebook,
    motion_regularisation: motion = asksForMotion(policy),
    warmup_steps: warmupSteps,
  }: Exclude<OutsideSetting, string> = typeof asked === "string" ? { policy: asked } : asked;
  if (codebook !== undefined && policy !== undefined) {
    throw new RequestError("cache has both policy and codebook: give one of them.", { field: "cache" });
  }
  const constants = typeof motion === "object" ? motion : null;
  if (constants && codebook === undefined) {
    throw new RequestError(
      "cache.motion_regularisation takes constants only together with a codebook of your own.",
      {
        field: "cache.motion_regularisation",
      },
    );
  }
  const named = policy === undefined || policy === "auto" ? "fast" : policy;
  return {
    policy: (codebook
      ? { codebook, ...(constants && { motion: constants }) }
      : named) as StoredCache["policy"],
    motion: motion !== false,
    warmupSteps: warmupSteps ?? warmupOfFile(named) ?? 0,
  };
}

/**
 * Returns whether motion is regularised where a request does not say: only if a codebook file brings constants for it.
 * With the authors' constants, the demo model's videos were less like the uncached ones at as many computed steps
 * (docs/benchmarks.md).
 */
function asksForMotion(policy: unknown): boolean {
  return (policy as { motion?: object } | undefined)?.motion !== undefined;
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
