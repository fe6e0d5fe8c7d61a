import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  estimate,
  leastSeconds,
  type MeasuredRun,
  measuredRunSchema,
  type Quote,
  RUNS_MAX,
} from "../../../lib/service/quotes/index.ts";

/*
 * Runs that tools/quotes/measure.ts made on a machine of two cores, which other programs used at the same time: its
 * load average went from 8 to 23 in one measurement, and from 3.6 to 5.2 in the other. Each is quoted from those before
 * it, as the API would have done.
 */
const FIXTURES = join(import.meta.dirname, "../../golden/quotes");

function runsIn(name: string): readonly MeasuredRun[] {
  const { measured } = JSON.parse(readFileSync(join(FIXTURES, name), "utf8")) as {
    measured: { run: unknown }[];
  };
  return measured.map(({ run }) => measuredRunSchema.parse(run));
}

/** Policies whose number of computed steps is known before. */
function computedOf({ policy, computed }: MeasuredRun) {
  const isKnown = policy === "off" || /^(static|computed_steps):/.test(policy);
  return (total: number) => (isKnown ? { least: computed, most: computed } : { least: 1, most: total });
}

function quoted(run: MeasuredRun, before: readonly MeasuredRun[]): Quote {
  return estimate(requestOf(run), {
    runs: before.slice(-RUNS_MAX),
    waiting: { ahead: 0, workers: { least: 1, most: 1 }, isAtZero: false, coldStart: null },
    price: null,
    now: begunAt(run),
    counted: 1000,
  });
}

const requestOf = (run: MeasuredRun) => ({
  ...run,
  model: "demo",
  secondsMost: null,
  computed: computedOf(run),
});

const begunAt = ({ at, seconds }: MeasuredRun) => at - seconds.make * 1000;

const SERIES = [
  ["a machine under changing load", "demo-runs.json"],
  ["a machine under steady load", "demo-runs-calm.json"],
] as const;

it.each(SERIES)("no run of %s takes less than it was said to take at least", (machine, name) => {
  const runs = runsIn(name);
  const told = runs.flatMap((run, index) => {
    const before = runs.slice(0, index).slice(-RUNS_MAX);
    const { worker } = run;
    const least = leastSeconds(requestOf(run), { runs: before, worker, now: begunAt(run) });
    return least === null ? [] : [{ least, make: run.seconds.make }];
  });
  const share = median(told.map(({ least, make }) => least / make));
  process.stderr.write(
    `${machine}: ${told.length} runs, whose least seconds were ${share.toFixed(2)} of what they took\n`,
  );
  expect(told.length).toBeGreaterThan(50);
  expect(told.filter(({ least, make }) => make < least)).toEqual([]);
});

it.each(SERIES)(
  "nine of ten runs of %s fall into the range that they would have been quoted",
  (machine, name) => {
    const runs = runsIn(name);
    const replayed = runs.map((run, index) => {
      const quote = quoted(run, runs.slice(0, index));
      const took = run.seconds.make + run.seconds.wait!;
      const { seconds, steps, basis } = quote;
      return {
        basis,
        isWithin: seconds && seconds.low <= took && took <= seconds.high,
        width: seconds && seconds.high / seconds.low,
        error: seconds && Math.abs(Math.log(seconds.expected / took)),
        areStepsWithin: steps.computed.low <= run.computed && run.computed <= steps.computed.high,
      };
    });
    const report = ["measured", "scaled"].map((basis) => {
      const of = replayed.filter((each) => each.basis === basis);
      const within = of.filter(({ isWithin }) => isWithin).length;
      const width = median(of.map(({ width }) => width!));
      const off = Math.exp(median(of.map(({ error }) => error!)));
      return { basis, count: of.length, within, width, off };
    });
    for (const { basis, count, within, width, off } of report) {
      process.stderr.write(
        `${machine}: ${within} of ${count} outcomes within the range of a ${basis} quote; its median width is a factor of ` +
          `${width.toFixed(2)}, and the expected seconds are off by a factor of ${off.toFixed(2)}\n`,
      );
    }
    const steps = replayed.slice(1).filter(({ areStepsWithin }) => areStepsWithin).length;
    process.stderr.write(
      `${machine}: ${steps} of ${replayed.length - 1} numbers of computed steps within theirs\n`,
    );
    const [measured] = report;
    // The aim is 90 %. With this number of runs, two standard deviations of chance are 7 %.
    expect(measured!.within / measured!.count).toBeGreaterThanOrEqual(0.83);
    expect(steps / (replayed.length - 1)).toBeGreaterThanOrEqual(0.83);
  },
);

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
