import { table } from "../bench/markdown.ts";
import { quantile } from "../bench/statistics.ts";
import type { StormResult } from "./storm.ts";

/** Promise of the service, and the cases in which a storm saw it broken. */
export interface Verdict {
  readonly promise: string;
  readonly broken: readonly string[];
}

/** Longest p99, in milliseconds, of a webhook while other tenants' receivers are silent. */
const NEIGHBOUR_MS_MAX = 1_000;

/** Holds the result of a storm against what the service promises. */
export function verdicts({
  fates,
  arrivals,
  undelivered,
  neighbours,
  watched,
  left,
  exitCode,
}: StormResult): Verdict[] {
  const bodies = grouped(arrivals, ({ webhookId }) => webhookId);
  const events = grouped(arrivals, ({ videoId, type }) => `${videoId} ${type}`);
  const named = (which: typeof fates) => which.map(({ id, end, wish }) => `${id} (${wish}, ${end})`);
  return [
    {
      promise: "an acknowledged video ends",
      broken: named(fates.filter(({ end }) => end === "unfinished")),
    },
    {
      promise: "it ends once",
      broken: named(fates.filter(({ end, ends }) => end !== "unfinished" && ends !== 1)),
    },
    {
      promise: "one worker at a time makes it",
      broken: named(fates.filter(({ isOneByOne }) => !isOneByOne)),
    },
    {
      promise: "its file is the one that its receipt names",
      broken: named(fates.filter(({ isIntact }) => !isIntact)),
    },
    {
      promise: "it is there unless its client deleted it",
      broken: named(fates.filter(({ end, wish }) => (end === "404") !== (wish === "deleted"))),
    },
    {
      promise: "its idempotency key names it and no other",
      broken: named(fates.filter(({ isSame }) => !isSame)),
    },
    {
      promise: "its end is delivered to a receiver that answers",
      broken: undelivered.map(({ id, kind }) => `${id} (${kind})`),
    },
    {
      promise: "an event has one webhook-id",
      broken: [...events]
        .filter(([, of]) => new Set(of.map((each) => each.webhookId)).size > 1)
        .map(([name]) => name),
    },
    {
      promise: "a webhook-id has one body",
      broken: [...bodies]
        .filter(([, of]) => new Set(of.map((each) => each.bodyHash)).size > 1)
        .map(([name]) => name),
    },
    { promise: "a stream tells of each step once and in order", broken: watched.garbled },
    {
      promise: "a stream is held for no reader that is gone",
      broken: watched.held === 0 ? [] : [`${watched.held ?? "an unknown number of"} streams`],
    },
    ...(neighbours.length > 0 ? [neighbourVerdict(neighbours)] : []),
    {
      promise: "nothing is left behind",
      broken: Object.entries(left)
        .filter(([name, count]) => count > (name === "temporary" ? Number.POSITIVE_INFINITY : 0))
        .map(([name, count]) => `${count} ${name}`),
    },
    {
      promise: "the service stops in order",
      broken: exitCode === 0 ? [] : [exitCode === null ? "not within a minute" : `exit code ${exitCode}`],
    },
  ];
}

function neighbourVerdict(times: readonly number[]): Verdict {
  const p99 = quantile(times, 0.99);
  return {
    promise: `a neighbour's webhook comes within ${NEIGHBOUR_MS_MAX} ms (p99)`,
    broken: p99 > NEIGHBOUR_MS_MAX ? [`${Math.round(p99)} ms`] : [],
  };
}

/** Returns the report of a storm in Markdown: what happened, and which promises held. */
export function report(result: StormResult): string {
  const { options, fates, arrivals, faults, neighbours, watched, left } = result;
  const answered = arrivals.filter(({ isAnswered }) => isAnswered);
  const repeated =
    answered.length - new Set(answered.map(({ webhookId, kind }) => `${kind} ${webhookId}`)).size;
  const ends = grouped(fates, ({ end }) => end);
  const rows: [string, string][] = [
    ["seed, seconds", `${options.seed}, ${Math.round(result.seconds)}`],
    ["workers", options.workers === 0 ? "the service's own" : `${options.workers} that pull`],
    [
      "faults",
      Object.entries(faults)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(", "),
    ],
    ["starts of the service", String(result.starts)],
    ["videos acknowledged", String(fates.length)],
    ["how they ended", [...ends].map(([end, of]) => `${of.length} ${end}`).join(", ")],
    ["workers lost", String(fates.reduce((sum, { losses }) => sum + losses, 0))],
    ["webhooks answered, of them repeated", `${answered.length}, ${repeated}`],
    ["attempts at silent receivers", String(arrivals.filter(({ kind }) => kind === "silent").length)],
    ["a neighbour's webhooks, ms p50 / p99", neighbours.length > 0 ? spreadOf(neighbours) : "not timed"],
    [
      "readers of streams",
      Object.entries(watched.opened)
        .map(([manner, count]) => `${count} ${manner}`)
        .join(", "),
    ],
    [
      "left behind",
      Object.entries(left)
        .map(([name, count]) => `${count} ${name}`)
        .join(", "),
    ],
  ];
  const held = verdicts(result).map(({ promise, broken }) => [
    promise,
    broken.length === 0 ? "held" : `BROKEN ${broken.length} times: ${broken.slice(0, 5).join("; ")}`,
  ]);
  return `${table(["storm", ""], rows, [0, 1])}\n\n${table(["promise", ""], held, [0, 1])}\n`;
}

function grouped<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = nameOf(item);
    groups.set(name, [...(groups.get(name) ?? []), item]);
  }
  return groups;
}

function spreadOf(times: readonly number[]): string {
  return [0.5, 0.99].map((share) => Math.round(quantile(times, share))).join(" / ");
}
