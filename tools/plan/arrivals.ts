import { seededRandom } from "./random.ts";

/** Distributions of the requests over a day, with their descriptions in the report. */
export const PROFILES = {
  flat: "evenly distributed over the day",
  office: "90 % between 8 and 18 o'clock, the rest at night",
  bursts: "bursts of 20 within a minute, evenly distributed over the day",
} as const;

export type Profile = keyof typeof PROFILES;

export interface ArrivalOptions {
  /** Mean number of videos per day; the number on a given day is random. */
  readonly videosPerDay: number;
  readonly days: number;
  readonly profile: Profile;
  readonly seed: number;
}

const DAY = 86_400;
const BURST = { videos: 20, seconds: 60 } as const;
/** Cumulative share of the day's videos by hour; linear in between. */
const OFFICE = [
  { share: 0, hour: 0 },
  { share: 0.06, hour: 8 },
  { share: 0.96, hour: 18 },
  { share: 1, hour: 24 },
] as const;

/** Draws the times of requests in seconds, ascending: a Poisson process over the days, with the rate of the profile. */
export function drawArrivals({ videosPerDay, days, profile, seed }: ArrivalOptions): number[] {
  const random = seededRandom(seed);
  const isBurst = profile === "bursts";
  const perDay = isBurst ? videosPerDay / BURST.videos : videosPerDay;
  const arrivals: number[] = [];
  for (let day = gap(random, perDay); day < days; day += gap(random, perDay)) {
    const at = profile === "office" ? officeTime(day) : day * DAY;
    if (!isBurst) arrivals.push(at);
    else for (let n = 0; n < BURST.videos; n++) arrivals.push(at + random() * BURST.seconds);
  }
  // Bursts may overlap.
  return arrivals.sort((a, b) => a - b);
}

/** Draws an exponentially distributed time between arrivals, in days. */
function gap(random: () => number, perDay: number): number {
  return -Math.log(1 - random()) / perDay;
}

/**
 * Maps a time of a uniform process to office hours by inverting the cumulative share of the day's videos.
 *
 * @param day  in days
 * @returns seconds
 */
function officeTime(day: number): number {
  const share = day % 1;
  const next = OFFICE.findIndex((point) => share < point.share);
  const [from, to] = [OFFICE[next - 1]!, OFFICE[next]!];
  const hour = from.hour + ((share - from.share) / (to.share - from.share)) * (to.hour - from.hour);
  return Math.floor(day) * DAY + hour * 3600;
}
