import { UsageError } from "../../lib/shared/command-line/index.ts";
import { quantile } from "../bench/statistics.ts";
import { drawArrivals } from "./arrivals.ts";
import { BACKENDS } from "./backends/index.ts";
import { type BillLine, idleMonth, totalOf, videoBill } from "./bill.ts";
import { type Simulation, simulate } from "./endpoint.ts";
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
  readonly videos: number;
  /** Seconds that a video occupies an instance whose model is loaded. */
  readonly videoSeconds: number;
  /** Seconds from request to start, and from request to the finished video. */
  readonly waiting: Times;
  readonly untilVideo: Times;
  /** Number of instances started, and the maximum at once. */
  readonly starts: number;
  readonly instancesAtOnce: number;
  readonly gpuHours: number;
  /** Shares of the billed time; they add up to 1. */
  readonly busyShare: number;
  readonly coldShare: number;
  readonly idleShare: number;
  readonly videosPerHour: number;
  /** Arriving work over the capacity of all instances; above 1 the queue grows without end. */
  readonly load: number;
  readonly gpuDollarsPerDay: number;
  readonly gpuDollarsPerVideo: number;
}

export interface Plan {
  readonly options: PlanOptions;
  readonly dollarsPerHour: number;
  /** Outcomes by cache: off, slow, fast. */
  readonly outcomes: readonly Outcome[];
  /** Outcomes of cache off and fast for each combination of settings; empty for a single combination. */
  readonly variants: readonly Outcome[];
  /** Bills of a month without requests, and of one video without its instance time. */
  readonly idle: readonly BillLine[];
  readonly besides: readonly BillLine[];
}

/**
 * Simulates every cache and setting with the same arrivals and cold starts.
 *
 * @throws UsageError if there are no arrivals
 */
export function makePlan(options: PlanOptions): Plan {
  const { backend, model, instancesMax, idleMinutes, hasWaf } = options;
  const arrivals = drawArrivals(options);
  if (arrivals.length === 0) {
    throw new UsageError("There are no requests in the simulated time: give more --days or another --seed.");
  }
  const first = { instancesMax: instancesMax[0], idleMinutes: idleMinutes[0] };
  const pairs = instancesMax.flatMap((most) =>
    idleMinutes.map((minutes) => ({ instancesMax: most, idleMinutes: minutes })),
  );
  const compared = ["off", "fast"] as const;
  return {
    options,
    dollarsPerHour: dollarsPerHour(options),
    outcomes: CACHES.map((cache) => outcomeOf(options, arrivals, { cache, ...first })),
    variants:
      pairs.length === 1
        ? []
        : pairs.flatMap((pair) => compared.map((cache) => outcomeOf(options, arrivals, { cache, ...pair }))),
    idle: idleMonth({ modelGb: model.modelGb.value, hasWaf }),
    besides: videoBill({
      backendItems: BACKENDS[backend].videoItems,
      videoMb: model.videoMb.value,
      videoSeconds: denoisingSeconds(model.denoising, "fast") / options.speed.value,
      hasWaf,
    }),
  };
}

/** GPU and everything else, without what an idle month costs. */
export function dollarsPerVideo({ besides }: Plan, outcome: Outcome): number {
  return outcome.gpuDollarsPerVideo + totalOf(besides);
}

const dollarsPerHour = ({ backend, instanceTypes, dollarsPerHour: given }: PlanOptions) =>
  given?.value ?? BACKENDS[backend].instanceTypes[instanceTypes[0]]!.dollarsPerHour;

type Setting = Pick<Outcome, "cache" | "instancesMax" | "idleMinutes">;

function outcomeOf(options: PlanOptions, arrivals: readonly number[], setting: Setting): Outcome {
  const { model, speed, days, videosPerDay } = options;
  const seconds = videoSeconds(model, setting.cache, speed.value);
  const simulation = simulate({
    arrivals,
    jobSeconds: { first: seconds + model.load.value, other: seconds },
    rules: BACKENDS[options.backend].rules(setting),
    coldStartSeconds: coldStarts(options),
  });
  const { jobs, instances } = simulation;
  const busy = total(instances.map(({ busySeconds }) => busySeconds));
  const cold = total(instances.map(({ coldSeconds }) => coldSeconds));
  const idle = total(instances.map(({ idleSeconds }) => idleSeconds));
  const hours = (busy + cold + idle) / 3600;
  const dollars = hours * dollarsPerHour(options);
  return {
    ...setting,
    videos: jobs.length,
    videoSeconds: seconds,
    waiting: times(jobs.map(({ arrivedAt, startedAt }) => startedAt - arrivedAt)),
    untilVideo: times(jobs.map(({ arrivedAt, endedAt }) => endedAt - arrivedAt)),
    starts: instances.length,
    instancesAtOnce: mostAtOnce(simulation),
    gpuHours: hours,
    busyShare: busy / 3600 / hours,
    coldShare: cold / 3600 / hours,
    idleShare: idle / 3600 / hours,
    videosPerHour: jobs.length / hours,
    load: (videosPerDay * seconds) / 86_400 / setting.instancesMax,
    gpuDollarsPerDay: dollars / days,
    gpuDollarsPerVideo: dollars / jobs.length,
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
  let live = 0;
  let most = 0;
  for (const { action } of actions) {
    live = action === "sleep" ? 0 : live + 1;
    most = Math.max(most, live);
  }
  return most;
}

function times(seconds: readonly number[]): Times {
  return { p50: quantile(seconds, 0.5), p95: quantile(seconds, 0.95), max: quantile(seconds, 1) };
}

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
