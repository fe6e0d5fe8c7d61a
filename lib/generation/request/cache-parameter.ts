import * as z from "zod";
import {
  CACHE_USAGE,
  type CachePolicy,
  CachePolicyError,
  cacheFlagSchemas,
  cacheSettingSchema,
  computedBounds,
  type OutsideSetting,
  outsideSettings,
  type PolicyRun,
  PROMISES,
  type PromiseWord,
  parseCachePolicy,
  promisedSeconds,
  promiseForm,
} from "../caching/index.ts";
import { activeLoras, type RequestedLora } from "./loras.ts";
import { alias, parameter } from "./parameter.ts";
import { RequestError } from "./request-error.ts";

const storedCache = z.object({
  /** Form of a policy, such as `slow` or `at_least:35dB`, or the contents of a codebook file. */
  policy: z.union([z.string(), z.record(z.string(), z.unknown())]),
  motion: z.boolean(),
  warmupSteps: z.int().nonnegative(),
  /** Absent where the policy decides, as in records of earlier builds. */
  forecast: z.boolean().optional(),
});

type StoredCache = z.infer<typeof storedCache>;

const toldCache = z.object({
  policy: z.string(),
  codebook: z.array(z.unknown()).nullable(),
  motion_regularisation: z.union([z.boolean(), z.record(z.string(), z.unknown())]),
  warmup_steps: z.int(),
  forecast: z.boolean().nullable().describe("Null where the policy decides."),
});

const DEFAULT_POLICY = "auto";

/** Policy of a request that names none and sets motion regularisation or a warm-up, which the default does not have. */
const TUNED_POLICY = "fast";

/** Cache of a request that says nothing about it. */
const DEFAULT: StoredCache = storedOf(DEFAULT_POLICY);

export const cacheParameter = parameter({
  asked: cacheSettingSchema as z.ZodType<OutsideSetting>,
  askedOutside: outsideSettings,
  takenBy: ["create", "trigger"],
  stored: { cache: storedCache },
  read: (asked) => ({ cache: storedOf(asked) }),
  byDefault: () => ({ cache: DEFAULT }),
  check: (resolved: CachedRun, { steps, has_cache_table, is_distilled }) =>
    // Whether an earlier build's model has a table is not known here, and the pipeline checks it.
    void policyOf(resolved, {
      modelSteps: steps,
      isDistilled: is_distilled,
      ...(has_cache_table === false && { table: null }),
    }),
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
    {
      name: "forecast",
      member: "forecast",
      takes: cacheFlagSchemas.forecast,
      reads: { kind: "on or off" },
      value: "on|off",
      text: "reused residuals follow the trend of the computed ones; default on for auto and promises, else off",
    },
  ],
  control: { label: "Cache", kind: { name: "cache" } },
});

/** Second name of the parameter, because LiteLLM and other proxies keep `cache` for their own cache of answers. */
export const cacheAlias = alias({
  means: "cache",
  asked: cacheParameter.asked,
  text: "Another name of `cache`, for clients behind proxies that keep that field for themselves.",
  takenBy: ["create", "trigger"],
});

type Members = Exclude<OutsideSetting, string>;

/** Names of levels of quality in the requests of SGLang and vLLM-Omni, with the cache that each means. */
const QUALITIES = { lossless: "off", high: "at_least:40dB" } as const;

export const qualityAlias = alias({
  means: "cache",
  asked: z.enum(["lossless", "high"]),
  text: "lossless computes every step; high promises at least 40 dB against the video without cache. Instead of `cache`.",
  takenBy: ["create", "trigger"],
  value: (quality) => QUALITIES[quality],
  flags: [
    {
      name: "quality",
      reads: { kind: "text" },
      value: "LEVEL",
      text: `${Object.entries(QUALITIES)
        .map(([level, cache]) => `${level} (as --cache ${cache})`)
        .join(" or ")}`,
    },
  ],
});

function storedOf(asked: OutsideSetting): StoredCache {
  const members: Members = typeof asked === "string" ? { policy: asked } : asked;
  const promise = promiseIn(members);
  const {
    policy,
    codebook,
    motion_regularisation: motion = asksForMotion(policy),
    warmup_steps: warmupSteps,
    forecast,
  } = members;
  if (codebook !== undefined && policy !== undefined) throw excluding("policy", "codebook");
  const constants = typeof motion === "object" ? motion : null;
  if (constants && codebook === undefined) {
    throw new RequestError(
      "cache.motion_regularisation takes constants only together with a codebook of your own.",
      {
        field: "cache.motion_regularisation",
      },
    );
  }
  const isTuned = members.motion_regularisation !== undefined || warmupSteps !== undefined;
  const named = promise ?? policy ?? (isTuned ? TUNED_POLICY : DEFAULT_POLICY);
  return {
    policy: (codebook
      ? { codebook, ...(constants && { motion: constants }) }
      : named) as StoredCache["policy"],
    motion: motion !== false,
    warmupSteps: warmupSteps ?? warmupOfFile(named) ?? 0,
    ...(forecast !== undefined && { forecast }),
  };
}

/**
 * Returns the stored form of the promise that is asked for, as a member or as the text of a policy; null without one.
 *
 * @throws RequestError if there is more than one promise, or what a promise decides itself
 */
function promiseIn(members: Members): string | null {
  const given = PROMISES.filter((word) => members[word] !== undefined);
  const [word, second] = given;
  if (word !== undefined && second !== undefined) throw excluding(word, second, "one promise");
  const named = word === undefined ? namedPromise(members.policy) : { word, argument: members[word]! };
  if (!named) return null;
  const others = [
    ...(word === undefined ? [] : (["policy"] as const)),
    ...(["codebook", "motion_regularisation", "warmup_steps"] as const),
  ];
  const other = others.find((name) => members[name] !== undefined);
  if (other === "policy" || other === "codebook") throw excluding(other, named.word);
  if (other !== undefined) {
    throw new RequestError(
      `cache has ${other} beside ${named.word}: leave it out, because a promise decides alone which steps are computed.`,
      { field: "cache" },
    );
  }
  return promiseForm(named.word, named.argument);
}

function namedPromise(policy: unknown): { word: PromiseWord; argument: string } | null {
  if (typeof policy !== "string") return null;
  const [name, argument] = policy.split(":");
  const word = PROMISES.find((each) => each === name);
  return word !== undefined && argument !== undefined ? { word, argument } : null;
}

function excluding(one: string, other: string, what = "one of them"): RequestError {
  return new RequestError(`cache has both ${one} and ${other}: give ${what}.`, { field: "cache" });
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

function toldOf({ policy, motion, warmupSteps, forecast }: StoredCache): z.infer<typeof toldCache> {
  const own = typeof policy === "string" ? null : (policy as { codebook: unknown[]; motion?: object });
  return {
    policy: own ? "codebook" : (policy as string),
    codebook: own?.codebook ?? null,
    motion_regularisation: motion && own?.motion ? { ...own.motion } : motion,
    warmup_steps: warmupSteps,
    forecast: forecast ?? null,
  };
}

/** Part of a resolved request that the cache depends on. */
interface CachedRun {
  readonly cache: StoredCache;
  readonly steps: number;
  readonly model: string;
  readonly loras?: readonly RequestedLora[];
}

/** Fact of a run with LoRAs: the table of a model was measured with other weights. */
const TABLE_OF_OTHER_WEIGHTS: KnownRun = {
  table: null,
  tableRefused: "the table of a model was measured without LoRAs, and does not hold with them",
};

/** Facts about a run besides its request. A missing one is not known, and not checked. */
export type KnownRun = Pick<PolicyRun, "modelSteps" | "isDistilled" | "precision" | "table" | "tableRefused">;

/**
 * Returns the cache policy of a resolved request.
 *
 * @throws RequestError if the policy cannot be used
 */
export function policyOf({ cache, steps, model, loras = [] }: CachedRun, known: KnownRun = {}): CachePolicy {
  const { policy, motion, warmupSteps: warmup, forecast } = cache;
  const changed = activeLoras({ loras }).length > 0 ? TABLE_OF_OTHER_WEIGHTS : {};
  try {
    return parseCachePolicy(policy, { ...known, ...changed, steps, model, motion, warmup, forecast });
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

/** Returns the caching policy of a request with its options as one text: the same for runs whose policy is the same. */
function policyKey({ cache: { policy, motion, warmupSteps, forecast } }: Pick<CachedRun, "cache">) {
  const name = typeof policy === "string" ? policy : JSON.stringify(sorted(policy));
  const options = [
    ...(motion ? ["motion"] : []),
    ...(warmupSteps > 0 ? [`warmup ${warmupSteps}`] : []),
    ...(forecast === undefined ? [] : [forecast ? "forecast" : "no forecast"]),
  ];
  return [name, ...options].join(", ");
}

/** Returns a copy whose members, at any depth, are in the order of their names. */
function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}

/** Request as its time depends on it. */
interface TimedRun extends CachedRun {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly guidanceScale: number;
  readonly guidanceScale2: number | null;
  readonly compare: boolean;
  readonly audit: boolean;
}

/** Returns what the time of a request depends on, in the words in which runs are measured and quoted. */
export function runFacts({ model, width, height, frames, steps, ...request }: TimedRun) {
  return {
    model,
    width,
    height,
    frames,
    steps,
    /** Guidance makes batches of two. */
    isGuided: request.guidanceScale > 1 || (request.guidanceScale2 ?? 0) > 1,
    policy: policyKey(request),
    isCompared: request.compare,
    isAudited: request.audit && request.cache.policy !== "off",
  };
}

/**
 * Returns what the time of a request depends on, with the numbers of steps that its caching policy may compute.
 *
 * @throws RequestError if the policy cannot be used
 */
export function quotedFacts(request: TimedRun, known: KnownRun = {}) {
  const policy = policyOf(request, known);
  return {
    ...runFacts(request),
    computed: (evaluations: number) => computedBounds(policy, evaluations),
    /** Seconds that the request promises to stay within; null without a promise. */
    secondsMost: promisedSeconds(policy),
  };
}
