import * as z from "zod";
import { circumstancesSchema } from "../machine.ts";
import { ratios, type Spread, spread } from "../statistics.ts";

/** What a client may ask; the second is how clients that repeat themselves ask for a video. */
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
  /** Processor time of a request, in all threads of the server. */
  cpu: milliseconds,
});

/** One value for each round, in order: the two servers take turns, so a ratio is of one round. */
const rounds = z.array(roundSchema).min(1);

const loadSchema = z.object({
  route: z.enum(ROUTES),
  connections: z.int().positive(),
  /** In each round. */
  requests: z.object({ ours: z.int().positive(), bare: z.int().positive() }),
  ours: rounds,
  bare: rounds,
});

const memorySchema = z.object({
  /** API keys that the jobs were spread over, since one may have a thousand that are not over. */
  keys: z.int().positive(),
  /** Bytes of the API's process when so many jobs were created. */
  points: z
    .array(
      z.object({
        jobs: z.int().positive(),
        resident: z.number(),
        heap: z.number(),
        /** Processor milliseconds of asking for the newest of them. */
        getCpu: milliseconds,
      }),
    )
    .min(2),
  /** What all of the jobs added to the data folder. */
  folder: z.object({ entries: z.int(), bytes: z.number(), diskBytes: z.number() }),
});

/** Everything `api` measured: enough to write the report again. */
export const apiResultsSchema = z.object({
  kind: z.literal("api"),
  circumstances: circumstancesSchema,
  /** Load average over one minute at the end. */
  loadAfter: z.number(),
  /** Whether the servers were held to one core. */
  isPinned: z.boolean(),
  loads: z.array(loadSchema).min(1),
  /** Of one job after another: until the request was answered, and from the request to the worker's start. */
  start: z.object({
    answered: z.array(milliseconds).min(1),
    begun: z.array(z.number().nonnegative()).min(1),
  }),
  memory: memorySchema,
  idempotency: z.object({
    posts: z.int().positive(),
    /** How many were answered with each status. */
    statuses: z.record(z.string(), z.int()),
    ids: z.int(),
    /** Videos that the list has afterwards. */
    listed: z.int(),
    seconds: z.number().positive(),
  }),
});

export type ApiResults = z.infer<typeof apiResultsSchema>;
export type ApiLoad = z.infer<typeof loadSchema>;
export type ApiRound = z.infer<typeof roundSchema>;

/** What is told of one route under one number of connections. */
export interface LoadSummary {
  readonly route: Route;
  readonly connections: number;
  readonly ours: Readonly<Record<keyof ApiRound, Spread>>;
  readonly bare: Readonly<Record<keyof ApiRound, Spread>>;
  /** Requests per second of ours over those of the bare framework, of each round. */
  readonly rateRatio: Spread;
  /** Processor time of a request of ours over one of the bare framework, of each round. */
  readonly cpuRatio: Spread;
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

/** Bytes that each job added to the process between the last two points; the first ones warm it up. */
export function growthByJob({ points }: ApiResults["memory"]): { resident: number; heap: number } {
  const [before, after] = points.slice(-2) as [(typeof points)[number], (typeof points)[number]];
  const jobs = after.jobs - before.jobs;
  return { resident: (after.resident - before.resident) / jobs, heap: (after.heap - before.heap) / jobs };
}
