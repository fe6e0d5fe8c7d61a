import { hasSameShape, type MeasuredRun } from "./measured-run.ts";
import { type PredictedRun, predicted } from "./prediction.ts";
import type { Quote, Range } from "./quote.ts";
import { spreadOf } from "./spread.ts";
import { type CountedRequest, type StepCount, stepCount } from "./step-count.ts";
import { queueOf, startOf, type Waiting } from "./waiting.ts";

/** Facts of a request that its quote depends on. */
export interface QuotedRequest extends PredictedRun, CountedRequest {
  readonly model: string;
  /** Seconds of encoding, denoising and decoding that the request promises to stay within; null without a promise. */
  readonly secondsMost: number | null;
}

/** Price of a machine. */
export interface Price {
  readonly usdPerHour: number;
  /** Price of the dearest machine that may be taken instead. */
  readonly usdPerHourMost: number;
  readonly source: "setting" | "list";
}

export interface EstimateOptions {
  /** Runs of the model, oldest first. */
  readonly runs: readonly MeasuredRun[];
  readonly waiting: Waiting;
  readonly price: Price | null;
  /** Time of the quote in milliseconds since 1970. */
  readonly now: number;
  /** Number of videos that are ahead at least if there are too many to count. */
  readonly counted: number;
}

/** Share of a promise of seconds by which it may be missed. */
const PROMISE_SLACK = 1.1;

const NO_PRICE =
  "There is no cost, because the price of this machine is not known: start the service with PRICE_PER_HOUR, in US dollars.";

/** Returns the quote of a request. Pure: runs, queue and price are all that it knows. */
export function estimate(wanted: QuotedRequest, options: EstimateOptions): Quote {
  const { waiting, price, counted } = options;
  const { worker } = options.runs.at(-1) ?? {};
  const runs = options.runs.filter((run) => run.worker === worker);
  const steps = stepCount(wanted, runs);
  const prediction = predicted(wanted, runs);
  const told = {
    steps: { total: steps.total, computed: rounded(steps.computed) },
    ahead: waiting.ahead,
  };
  if (!prediction) {
    const how = `Nobody has measured ${wanted.model} here: the first video that is made tells how long others take.`;
    return { ...told, basis: "unmeasured", runs: 0, seconds: null, cost: null, notes: [how] };
  }
  const make = makeOf(wanted, { runs, steps, prediction, now: options.now });
  const queue = queueOf(waiting, runs, counted);
  const start = startOf(waiting, runs);
  const notes = [
    ...(prediction.isMeasured
      ? []
      : ["No video of this size and length was measured: the time is scaled from others."]),
    ...(steps.isKnown
      ? []
      : [
          "How many steps this cache setting computes was not seen yet: the range has all that are possible.",
        ]),
    ...(start.isAssumed ? ["The start of a machine is assumed, because none was observed."] : []),
    ...(waiting.ahead === null
      ? [`More than ${counted} videos wait: the time until their end is a lower bound.`]
      : []),
    ...(price === null ? [NO_PRICE] : []),
  ];
  return {
    ...told,
    basis: prediction.isMeasured ? "measured" : "scaled",
    runs: prediction.runs,
    seconds: {
      ...rounded(summed(queue, start, make)),
      parts: {
        queue: brief(queue.expected),
        start: brief(start.expected),
        make: brief(make.expected),
      },
    },
    cost: price && {
      usd: rounded({
        expected: usdOf(make.expected, price.usdPerHour),
        low: usdOf(make.low, price.usdPerHour),
        high: usdOf(make.high, price.usdPerHourMost),
      }),
      usd_per_hour: price.usdPerHour,
      price: price.source,
    },
    notes,
  };
}

/** Number of runs of a shape on a kind of worker from which on they tell what a video takes at least. */
export const RUNS_LEAST = 5;

/**
 * Factor by which the low end of a range lies further from what is expected before a video is refused for it. It is to
 * be undercut by one outcome of twenty, at 1.64 standard deviations of errors that are distributed normally; at half as
 * much again, it is by one of 150.
 */
const CERTAIN = 1.5;

/**
 * Returns the seconds that making a video takes at least, from the claim to the end, or null if too few runs of its
 * shape were measured on this kind of worker. It is the low end of the quote's "make" with a margin, for a model that
 * is open: how long opening it takes is not certain.
 *
 * The two measured series (test/service/quotes/replay.test.ts) have 110 such runs, of which one undercut the low end
 * of its quote and none undercut this.
 *
 * @param worker kind of worker, as its runs name it
 */
export function leastSeconds(
  request: Omit<QuotedRequest, "isCold">,
  { worker, now, ...options }: Pick<EstimateOptions, "runs" | "now"> & { readonly worker: string },
): number | null {
  const runs = options.runs.filter((run) => run.worker === worker);
  if (runs.filter((run) => hasSameShape(run, request)).length < RUNS_LEAST) return null;
  const wanted = { ...request, isCold: false };
  const prediction = predicted(wanted, runs)!;
  return makeOf(wanted, { runs, steps: stepCount(wanted, runs), prediction, now }, CERTAIN).low;
}

/** Returns the price of so many seconds of a machine. */
export function usdOf(seconds: number, usdPerHour: number): number {
  return (seconds * usdPerHour) / 3600;
}

interface Known {
  readonly runs: readonly MeasuredRun[];
  readonly steps: StepCount;
  readonly now: number;
  readonly prediction: NonNullable<ReturnType<typeof predicted>>;
}

/**
 * Returns the seconds from the claim to the end.
 *
 * @param widening factor by which both ends lie further from what is expected
 */
function makeOf(
  { secondsMost }: QuotedRequest,
  { runs, steps, prediction, now }: Known,
  widening = 1,
): Range {
  const { total, computed } = steps;
  const spread = spreadOf(runs, now);
  const at = (count: number) => prediction.seconds({ total, computed: count });
  const rest = at(0).expected;
  // A promise of seconds decides how many steps are computed, and limits most of the rest too.
  const most = secondsMost === null ? Infinity : secondsMost * PROMISE_SLACK + rest;
  const usual = at(computed.expected).expected;
  // A model that takes no time at all is one of a test.
  if (usual < 1e-9) return { expected: 0, low: 0, high: 0 };
  const expected = usual * spread.middle;
  // The errors of steps and of seconds have nothing to do with each other, so they add up as standard deviations do.
  const apart = (...ratios: number[]) => Math.exp(widening * Math.hypot(...ratios.map(Math.log)));
  return {
    expected: Math.min(most, expected),
    low: Math.min(
      most,
      expected / apart(usual / at(computed.low).low, spread.middle / Math.min(spread.low, spread.middle)),
    ),
    high: Math.min(
      most,
      expected * apart(at(computed.high).high / usual, Math.max(spread.high, spread.middle) / spread.middle),
    ),
  };
}

function summed(...ranges: readonly Range[]): Range {
  const sum = (side: keyof Range) => ranges.reduce((all, range) => all + range[side], 0);
  return { expected: sum("expected"), low: sum("low"), high: sum("high") };
}

/** Rounds to three digits, which is more than a quote knows. */
function brief(value: number): number {
  return Number(value.toPrecision(3));
}

/** Rounds a range, and keeps the expected value inside. */
function rounded({ expected, low, high }: Range): Range {
  return {
    expected: brief(expected),
    low: brief(Math.min(low, expected)),
    high: brief(Math.max(high, expected)),
  };
}
