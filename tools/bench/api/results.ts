import * as z from "zod";
import { circumstancesSchema } from "../machine.ts";
import { ratios, type Spread, spread } from "../statistics.ts";

/** Measured requests. The second is the way of clients that retry. */
export const ROUTES = [
  "POST /v1/videos",
  "POST /v1/videos, Idempotency-Key",
  "GET /v1/videos/{id}, queued",
  "GET /v1/videos/{id}, completed",
] as const;
export type Route = (typeof ROUTES)[number];

const milliseconds = z.number().positive();

const roundSchema = z.object({
  perSecond: z.number().positive(),
  p50: milliseconds,
  p99: milliseconds,
  /** Processor time per request, in all threads of the server. */
  cpu: milliseconds,
});

/** Values of each round, in order. The two servers take turns, so ratios are computed per round. */
const rounds = z.array(roundSchema).min(1);

const loadSchema = z.object({
  route: z.enum(ROUTES),
  connections: z.int().positive(),
  /** Requests per round. */
  requests: z.object({ ours: z.int().positive(), bare: z.int().positive() }),
  ours: rounds,
  bare: rounds,
  /** Rounds of the checkout of `--against`, as many requests as ours. */
  rival: rounds.optional(),
});

const memorySchema = z.object({
  /** Number of API keys used, since a key may have a thousand unfinished jobs. */
  keys: z.int().positive(),
  /** Bytes of the API's process after a number of jobs was created. */
  points: z
    .array(
      z.object({
        jobs: z.int().positive(),
        resident: z.number(),
        heap: z.number(),
        /** Processor milliseconds of a request for the newest job. */
        getCpu: milliseconds,
      }),
    )
    .min(2),
  /** Growth of the data folder by all jobs. */
  folder: z.object({ entries: z.int(), bytes: z.number(), diskBytes: z.number() }),
});

/** All measurements of `api`; the report is written from them. */
export const apiResultsSchema = z.object({
  kind: z.literal("api"),
  circumstances: circumstancesSchema,
  /** Load average over one minute at the end. */
  loadAfter: z.number(),
  /** True if the servers were pinned to one core. */
  isPinned: z.boolean(),
  /** Commit of the checkout of `--against`. */
  rival: z.string().optional(),
  loads: z.array(loadSchema).min(1),
  /** Times of one job after another: from the request to its answer, and to the worker's start. */
  start: z.object({
    answered: z.array(milliseconds).min(1),
    begun: z.array(z.number().nonnegative()).min(1),
  }),
  memory: memorySchema,
  idempotency: z.object({
    posts: z.int().positive(),
    /** Number of answers by status. */
    statuses: z.record(z.string(), z.int()),
    ids: z.int(),
    /** Number of videos in the list afterwards. */
    listed: z.int(),
    seconds: z.number().positive(),
  }),
});

export type ApiResults = z.infer<typeof apiResultsSchema>;
export type ApiLoad = z.infer<typeof loadSchema>;
export type ApiRound = z.infer<typeof roundSchema>;

/** Summary of one route with one number of connections. */
export interface LoadSummary {
  readonly route: Route;
  readonly connections: number;
  readonly ours: Readonly<Record<keyof ApiRound, Spread>>;
  readonly bare: Readonly<Record<keyof ApiRound, Spread>>;
  /** Requests per second of our server divided by those of the bare framework, per round. */
  readonly rateRatio: Spread;
  /** Processor time per request of our server divided by that of the bare framework, per round. */
  readonly cpuRatio: Spread;
}

/** Requests per second and processor time next to those of the rival, per round; null if there was none. */
export function compareLoad({ ours, rival }: ApiLoad): { rate: Spread; cpu: Spread } | null {
  if (!rival) return null;
  const ratio = (of: (round: ApiRound) => number) => spread(ratios(ours.map(of), rival.map(of)));
  return { rate: ratio(({ perSecond }) => perSecond), cpu: ratio(({ cpu }) => cpu) };
}

export function summariseLoad({ route, connections, ours, bare }: ApiLoad): LoadSummary {
  const ratio = (of: (round: ApiRound) => number) => spread(ratios(ours.map(of), bare.map(of)));
  return {
    route,
    connections,
    ours: summariseRounds(ours),
    bare: summariseRounds(bare),
    rateRatio: ratio(({ perSecond }) => perSecond),
    cpuRatio: ratio(({ cpu }) => cpu),
  };
}

function summariseRounds(sides: readonly ApiRound[]): Record<keyof ApiRound, Spread> {
  const of = (name: keyof ApiRound) => spread(sides.map((round) => round[name]));
  return { perSecond: of("perSecond"), p50: of("p50"), p99: of("p99"), cpu: of("cpu") };
}

/** Returns the bytes per job added to the process between the last two points; the earlier points are warm-up. */
export function growthByJob({ points }: ApiResults["memory"]): { resident: number; heap: number } {
  const [before, after] = points.slice(-2) as [(typeof points)[number], (typeof points)[number]];
  const jobs = after.jobs - before.jobs;
  return { resident: (after.resident - before.resident) / jobs, heap: (after.heap - before.heap) / jobs };
}
