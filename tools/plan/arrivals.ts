import { seededRandom } from "./random.ts";

/** When in a day the videos are asked for. */
export const PROFILES = {
  flat: "at any time of the day alike",
  office: "nine in ten from 8 to 18 o'clock, the others through the night",
  bursts: "20 within one minute each time, at any time of the day alike",
} as const;

export type Profile = keyof typeof PROFILES;

export interface ArrivalOptions {
  /** The mean; how many there are on a day is chance. */
  readonly videosPerDay: number;
  readonly days: number;
  readonly profile: Profile;
  readonly seed: number;
}

const DAY = 86_400;
const BURST = { videos: 20, seconds: 60 } as const;
/** Share of the day's videos up to an hour; linear in between. */
const OFFICE = [
  { share: 0, hour: 0 },
  { share: 0.06, hour: 8 },
  { share: 0.96, hour: 18 },
  { share: 1, hour: 24 },
] as const;

/** Seconds at which videos are asked for, ascending: a Poisson process over the days, its rate that of the profile. */
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

/** Exponentially distributed, in days. */
function gap(random: () => number, perDay: number): number {
  return -Math.log(1 - random()) / perDay;
}

/** A uniform process becomes one of varying rate when its time runs as the day's videos add up. */
function officeTime(day: number): number {
  const share = day % 1;
  const next = OFFICE.findIndex((point) => share < point.share);
  const [from, to] = [OFFICE[next - 1]!, OFFICE[next]!];
  const hour = from.hour + ((share - from.share) / (to.share - from.share)) * (to.hour - from.hour);
  return Math.floor(day) * DAY + hour * 3600;
}
