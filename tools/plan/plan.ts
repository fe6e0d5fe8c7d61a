import type { Scaling } from "../../infra/config.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";
import { quantile } from "../bench/statistics.ts";
import { drawArrivals } from "./arrivals.ts";
import { BACKENDS } from "./backends/index.ts";
import { type BillLine, idleMonth, totalOf, videoBill } from "./bill.ts";
import { type Failure, type Simulation, simulate } from "./endpoint.ts";
import { CACHES, type Cache, denoisingSeconds, videoSeconds } from "./models.ts";
import type { PlanOptions } from "./options.ts";
import { seededRandom } from "./random.ts";

/** Quantiles of a time in seconds. */
export interface Times {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

/** Result of simulating the arrivals with one cache and one setting of the endpoint. */
export interface Outcome {
  readonly cache: Cache;
  readonly instancesMax: number;
  readonly idleMinutes: number;
  readonly scaling: Scaling;
  /** Number of videos that were asked for, of those that were finished, and of those that failed, by reason. */
  readonly videos: number;
  readonly finished: number;
  readonly failed: Readonly<Record<Failure, number>>;
  /** Seconds that a video occupies an instance whose model is loaded. */
  readonly videoSeconds: number;
  /** Seconds from request to start, or to the end of a video that never started. */
  readonly waiting: Times;
  /** Seconds from request to video, of those that were finished; null for none. */
  readonly untilVideo: Times | null;
  /** Number of instances started, and the maximum at once. */
  readonly starts: number;
  readonly instancesAtOnce: number;
  readonly gpuHours: number;
  /** Shares of the billed time; they add up to 1. */
  readonly busyShare: number;
  readonly coldShare: number;
  readonly idleShare: number;
  /** Finished videos for each hour of instance time. */
  readonly videosPerHour: number;
  /** Arriving work over the capacity of all instances; above 1 the queue grows without end. */
  readonly load: number;
  readonly gpuDollarsPerDay: number;
  /** US dollars of all instance time for each finished video; null if none was finished. */
  readonly gpuDollarsPerVideo: number | null;
}

export interface Plan {
  readonly options: PlanOptions;
  readonly dollarsPerHour: number;
  /** Outcomes by cache: off, slow, fast. */
  readonly outcomes: readonly Outcome[];
  /** Outcomes of cache off and fast for each combination of settings; empty for a single one. */
  readonly variants: readonly Outcome[];
  /** Bills of a month without requests, and of one video without its instance time. */
  readonly idle: readonly BillLine[];
  readonly besides: readonly BillLine[];
}

/** Share of a video's time that is known, taken from test/service/quotes/estimate.test.ts. */
export const KNOWN_SHARE = 0.9;

/**
 * Simulates every cache and setting with the same arrivals and cold starts.
 *
 * @param knownShare share of a video's time that it is known to take at least: 0 if all videos are begun, however late.
 *   By default that of runs whose times vary by 3 %
 * @throws UsageError if there are no arrivals
 */
export function makePlan(options: PlanOptions, knownShare = KNOWN_SHARE): Plan {
  const { backend, model, instancesMax, idleMinutes, scaling, hasWaf } = options;
  const arrivals = drawArrivals(options);
  if (arrivals.length === 0) {
    throw new UsageError("There are no requests in the simulated time: give more --days or another --seed.");
  }
  const pairs = instancesMax.flatMap((most) =>
    idleMinutes.flatMap((minutes) =>
      scaling.map((how) => ({ instancesMax: most, idleMinutes: minutes, scaling: how })),
    ),
  );
  const compared = ["off", "fast"] as const;
  const outcome = (setting: Setting) => outcomeOf(options, arrivals, setting, knownShare);
  return {
    options,
    dollarsPerHour: dollarsPerHour(options),
    outcomes: CACHES.map((cache) => outcome({ cache, ...pairs[0]! })),
    variants:
      pairs.length === 1 ? [] : pairs.flatMap((pair) => compared.map((cache) => outcome({ cache, ...pair }))),
    idle: idleMonth({ modelGb: model.modelGb.value, hasWaf, atRest: BACKENDS[backend].atRest(pairs[0]!) }),
    besides: videoBill({
      backendItems: BACKENDS[backend].videoItems,
      videoMb: model.videoMb.value,
      videoSeconds: Math.min(
        denoisingSeconds(model.denoising, "fast") / options.speed.value,
        options.deadlineSeconds,
      ),
      hasWaf,
    }),
  };
}

/** GPU and everything else, without what an idle month costs; null if no video was finished. */
export function dollarsPerVideo({ besides }: Plan, { gpuDollarsPerVideo }: Outcome): number | null {
  return gpuDollarsPerVideo === null ? null : gpuDollarsPerVideo + totalOf(besides);
}

const dollarsPerHour = ({ backend, instanceTypes, dollarsPerHour: given }: PlanOptions) =>
  given?.value ?? BACKENDS[backend].instanceTypes[instanceTypes[0]]!.dollarsPerHour;

type Setting = Pick<Outcome, "cache" | "instancesMax" | "idleMinutes" | "scaling">;

function outcomeOf(
  options: PlanOptions,
  arrivals: readonly number[],
  setting: Setting,
  knownShare: number,
): Outcome {
  const { model, speed, days, videosPerDay, deadlineSeconds } = options;
  const backend = BACKENDS[options.backend];
  const seconds = videoSeconds(model, setting.cache, speed.value);
  const simulation = simulate({
    arrivals,
    jobSeconds: { first: seconds + model.load.value, other: seconds },
    limits: { deadlineSeconds, runSeconds: backend.runSecondsMax ?? deadlineSeconds },
    leastSeconds: knownShare * seconds,
    rules: backend.rules(setting),
    coldStartSeconds: coldStarts(options),
  });
  const { jobs, instances } = simulation;
  const finished = jobs.filter(({ failure }) => failure === null);
  const failed = (reason: Failure) => jobs.filter(({ failure }) => failure === reason).length;
  const busy = total(instances.map(({ busySeconds }) => busySeconds));
  const cold = total(instances.map(({ coldSeconds }) => coldSeconds));
  const idle = total(instances.map(({ idleSeconds }) => idleSeconds));
  const hours = (busy + cold + idle) / 3600;
  const dollars = hours * dollarsPerHour(options);
  return {
    ...setting,
    videos: jobs.length,
    finished: finished.length,
    failed: { waited: failed("waited"), deadline: failed("deadline"), run: failed("run") },
    videoSeconds: seconds,
    waiting: times(jobs.map(({ arrivedAt, startedAt, endedAt }) => (startedAt ?? endedAt) - arrivedAt)),
    untilVideo:
      finished.length === 0 ? null : times(finished.map(({ arrivedAt, endedAt }) => endedAt - arrivedAt)),
    starts: instances.length,
    instancesAtOnce: mostAtOnce(simulation),
    gpuHours: hours,
    busyShare: busy / 3600 / hours,
    coldShare: cold / 3600 / hours,
    idleShare: idle / 3600 / hours,
    videosPerHour: finished.length / hours,
    load: (videosPerDay * seconds) / 86_400 / setting.instancesMax,
    gpuDollarsPerDay: dollars / days,
    gpuDollarsPerVideo: finished.length === 0 ? null : dollars / finished.length,
  };
}

/** Draws cold starts by instance number, so that every setting has the same ones. */
function coldStarts({ seed, coldStartSeconds: { least, most } }: PlanOptions): (instance: number) => number {
  const random = seededRandom(~seed);
  const drawn: number[] = [];
  return (instance) => {
    while (drawn.length <= instance) drawn.push(least + (most - least) * random());
    return drawn[instance]!;
  };
}

function mostAtOnce({ actions }: Simulation): number {
  return Math.max(0, ...actions.map(({ instances }) => instances));
}

function times(seconds: readonly number[]): Times {
  return { p50: quantile(seconds, 0.5), p95: quantile(seconds, 0.95), max: quantile(seconds, 1) };
}

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
