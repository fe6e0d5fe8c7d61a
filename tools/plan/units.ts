/** Texts of times and amounts, in units that fit and with digits that mean something. */

interface Unit {
  readonly name: string;
  readonly seconds: number;
  /** Values below this many seconds have this unit. */
  readonly below: number;
}

const UNITS: readonly Unit[] = [
  { name: "s", seconds: 1, below: 100 },
  { name: "min", seconds: 60, below: 100 * 60 },
  { name: "h", seconds: 3600, below: 48 * 3600 },
  { name: "days", seconds: 86_400, below: Number.POSITIVE_INFINITY },
];

/** Formats a time: `0.6 s`, `66 s`, `8.3 min`, `4.1 h`, `2.3 days`. */
export function duration(seconds: number): string {
  const { name, seconds: one } = unitOf(seconds);
  return `${short(seconds / one)} ${name}`;
}

/** Formats times with a slash between them. A unit is written once for neighbours that share it: `0.6 / 66 s / 25 min`. */
export function durations(all: readonly number[]): string {
  const isLast = (index: number) =>
    index === all.length - 1 || unitOf(all[index]!) !== unitOf(all[index + 1]!);
  return all
    .map((seconds, index) => {
      const { name, seconds: one } = unitOf(seconds);
      return isLast(index) ? `${short(seconds / one)} ${name}` : short(seconds / one);
    })
    .join(" / ");
}

/** Formats a range: `5 to 11 min`, or one time if both are equal. */
export function durationRange(least: number, most: number): string {
  if (least === most) return duration(least);
  const [low, high] = [duration(least), duration(most)];
  const unit = low.split(" ")[1]!;
  return high.endsWith(` ${unit}`) ? `${low.split(" ")[0]} to ${high}` : `${low} to ${high}`;
}

/** Formats an amount: `$535`, `$3.89`, `$0.63`, `$0.021`; `under $0.001` if it is not worth a digit. */
export function money(dollars: number): string {
  if (dollars >= 100) return `$${Math.round(dollars).toLocaleString("en-US")}`;
  if (dollars >= 0.1 || dollars === 0) return `$${dollars.toFixed(2)}`;
  return dollars >= 0.001 ? `$${Number(dollars.toPrecision(2))}` : "under $0.001";
}

/** Formats the cost of a video: `$0.63`, or that of a thousand if it is below a cent: `$0.042 per 1,000`; null is for none. */
export function perVideo(dollars: number | null): string {
  if (dollars === null) return "none finished";
  return dollars >= 0.01 ? money(dollars) : `${money(dollars * 1000)} per 1,000`;
}

/** Formats an exact price, with at least two decimals: `$0.40`, `$0.023`. */
export function exactly(dollars: number): string {
  const [whole, decimals = ""] = String(dollars).split(".");
  return `$${whole}.${decimals.padEnd(2, "0")}`;
}

function unitOf(seconds: number): Unit {
  return UNITS.find(({ below }) => seconds < below) ?? UNITS.at(-1)!;
}

function short(value: number): string {
  return value < 9.95 ? String(Number(value.toFixed(1))) : value.toFixed(0);
}

/** Formats a share: `28 %`, `0.4 %`, `under 0.1 %`, `0 %`. */
export function percent(share: number): string {
  const hundredth = 100 * share;
  if (hundredth > 0 && hundredth < 0.05) return "under 0.1 %";
  return `${hundredth < 9.95 ? Number(hundredth.toFixed(1)) : hundredth.toFixed(0)} %`;
}
