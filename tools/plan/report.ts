import { PROFILES } from "./arrivals.ts";
import { BACKENDS } from "./backends/index.ts";
import { type BillLine, DEPLOYED, totalOf } from "./bill.ts";
import { type Block, heading, list, paragraph } from "./blocks.ts";
import type { Figure } from "./figure.ts";
import { CACHES, type PlanModel } from "./models.ts";
import type { PlanOptions } from "./options.ts";
import { dollarsPerVideo, type Outcome, type Plan, type Times } from "./plan.ts";
import { PRICES, quoted, SERVICE_PRICES_DATE } from "./prices.ts";

/** Returns the report of a plan: outcomes, bills and assumptions. */
export function planReport(plan: Plan): Block[] {
  const { options, variants } = plan;
  const compared: Block[] = variants.length === 0 ? [] : [heading("Other settings"), variantTable(variants)];
  return [
    heading(`Plan for ${options.videosPerDay} videos a day`),
    paragraph(`${options.model.title}, with times of ${options.model.hardware}.`),
    outcomeTable(plan),
    paragraph(savings(plan)),
    ...compared,
    heading("One video, without instance time"),
    billTable(plan.besides),
    heading("A month without videos"),
    billTable(plan.idle),
    heading("Assumptions"),
    list([...assumptions(options), ...deployedFigures()]),
  ];
}

/** Returns the table of outcomes: a row for each figure, and a column for each cache. */
export function outcomeTable(plan: Plan): Block {
  const { outcomes } = plan;
  const row = (name: string, of: (outcome: Outcome) => string) => [name, ...outcomes.map(of)];
  const rows = [
    row("Instance time per video, s", ({ videoSeconds }) => seconds(videoSeconds)),
    row("Load of all instances", ({ load }) => `${(100 * load).toFixed(0)} %`),
    row("Waiting time p50 / p95 / max, s", ({ waiting }) => timesText(waiting)),
    row("Request to video p50 / p95 / max, s", ({ untilVideo }) => timesText(untilVideo)),
    row("Instance hours per day", ({ gpuHours }) => (gpuHours / plan.options.days).toFixed(2)),
    row("Busy / starting / idle", (outcome) => shares(outcome)),
    row(
      "Instance starts per day, most at once",
      ({ starts, instancesAtOnce }) => `${(starts / plan.options.days).toFixed(1)}, ${instancesAtOnce}`,
    ),
    row("Videos per instance hour", ({ videosPerHour }) => videosPerHour.toFixed(1)),
    row("Instances, $ per day", ({ gpuDollarsPerDay }) => gpuDollarsPerDay.toFixed(2)),
    row("Instances, $ per video", ({ gpuDollarsPerVideo }) => amount(gpuDollarsPerVideo)),
    row("Instances, $ per video if always busy", (outcome) => amount(fullyBusy(plan, outcome))),
    row("Total, $ per video", (outcome) => amount(dollarsPerVideo(plan, outcome))),
  ];
  return { kind: "table", header: ["Cache", ...outcomes.map(({ cache }) => cache)], rows };
}

/** Returns the table of other settings: a row for each setting and cache. */
export function variantTable(variants: readonly Outcome[]): Block {
  return {
    kind: "table",
    header: [
      "Cache",
      "Instances, max",
      "Idle window, min",
      "Waiting time p50 / p95 / max, s",
      "Busy / starting / idle",
      "Instances, $ per day",
      "Instances, $ per video",
    ],
    rows: variants.map((outcome) => [
      outcome.cache,
      String(outcome.instancesMax),
      String(outcome.idleMinutes),
      timesText(outcome.waiting),
      shares(outcome),
      outcome.gpuDollarsPerDay.toFixed(2),
      amount(outcome.gpuDollarsPerVideo),
    ]),
  };
}

/** Returns the table of a bill, with its total. */
export function billTable(lines: readonly BillLine[]): Block {
  const rows = lines.map((line) => {
    const price = PRICES[line.price];
    const mark = price.origin === "recalled" ? " (recalled)" : "";
    return [line.what, line.because, `${quoted(price)}${mark}`, amount(line.dollars)];
  });
  return {
    kind: "table",
    header: ["Item", "Quantity", "Price", "$"],
    rows: [...rows, ["Total", "", "", amount(totalOf(lines))]],
    textColumns: [0, 1, 2],
  };
}

/** Returns sentences about the savings of the cache, and the cost of an instance that runs all day. */
export function savings({ outcomes, dollarsPerHour }: Plan): string {
  const [off, , fast] = outcomes as [Outcome, Outcome, Outcome];
  const saved = 1 - fast.gpuDollarsPerDay / off.gpuDollarsPerDay;
  return (
    `For the same arrivals, cache fast saves ${(100 * saved).toFixed(0)} % of the instance cost, and the p95 from ` +
    `request to video is ${seconds(fast.untilVideo.p95)} s instead of ${seconds(off.untilVideo.p95)} s. ` +
    `One instance that runs all day costs ${(24 * dollarsPerHour).toFixed(2)} $ per day.`
  );
}

/** Returns every number that was not simulated, with its origin. */
export function assumptions(options: PlanOptions): string[] {
  const { model, instanceTypes, speed, coldStartSeconds: cold, profile, days, seed } = options;
  const [type, ...others] = instanceTypes;
  const [instancesMax, idleMinutes] = [options.instancesMax[0], options.idleMinutes[0]];
  const backend = BACKENDS[options.backend];
  const { wake, grow } = backend.rules({ instancesMax, idleMinutes });
  const price = (name: string) => backend.instanceTypes[name]!.dollarsPerHour;
  const ranges = cold.least === cold.most ? `${cold.least} s` : `${cold.least} to ${cold.most} s`;
  return [
    `Instance ${type}: ${price(type)} $ per hour, looked up ${backend.pricesDate}, us-east-1` +
      `${others.map((name) => `; if unavailable, ${name} at ${price(name)} $`).join("")}.`,
    backend.billing,
    `Cold start: ${ranges} (${cold.figure.origin}): ${cold.figure.source}. It includes the delay of the alarm.`,
    told("Speed", speed),
    ...modelFigures(model),
    `Arrivals: a Poisson process, ${PROFILES[profile]}; ${days} days, seed ${seed}. No video fails, expires or is cancelled.`,
    `Scaling, as deployed: one instance is added after ${wake.minutes} minute of backlog without an instance (cooldown ` +
      `${wake.cooldownSeconds} s), or after ${grow.minutes} minutes with ${grow.backlog} or more jobs per instance ` +
      `(cooldown ${grow.cooldownSeconds} s), up to ${instancesMax}. All are removed after ` +
      `${idleMinutes} minutes without a job. ${backend.deciding}`,
    `Other prices were looked up on ${SERVICE_PRICES_DATE} on public pages, us-east-1, without free tiers.`,
  ];
}

/** Returns every number of the bills that is not a price, with its origin. */
export const deployedFigures = (): string[] =>
  Object.values<Figure>(DEPLOYED).map(
    ({ value, origin, source }) => `${source[0]!.toUpperCase()}${source.slice(1)}: ${value} (${origin}).`,
  );

function modelFigures({ denoising, load, encode, decode, write }: PlanModel): string[] {
  const parts = [
    told("Time to open the model, s", load),
    told("Time to encode the prompt, s", encode),
    told("Time to decode the frames, s", decode),
    told("Time to write the files, s", write),
  ];
  if (denoising.by === "latency") {
    const all = CACHES.map((cache) => `${cache} ${denoising.seconds[cache].value} s`).join(", ");
    const { origin, source } = denoising.seconds.off;
    return [`Latency of a video: ${all} (${origin}): ${source}.`, ...parts];
  }
  const { steps, stepSeconds, reusedRatio, computedSteps } = denoising;
  return [
    told("Steps", steps),
    told("Time of a computed step, s", stepSeconds),
    told("Time of a reused step over that of a computed step", reusedRatio),
    told("Computed steps with cache fast", computedSteps.fast),
    told("Computed steps with cache slow", computedSteps.slow),
    ...parts,
  ];
}

const told = (name: string, { value, origin, source }: Figure) =>
  `${name}: ${Number(value.toPrecision(4))} (${origin}): ${source}.`;

/** Returns the cost of a video's instance time in US dollars, the limit for an instance that is always busy. */
const fullyBusy = ({ dollarsPerHour }: Plan, { videoSeconds }: Outcome) =>
  (videoSeconds / 3600) * dollarsPerHour;
const seconds = (value: number) => (value < 10 ? value.toFixed(1) : value.toFixed(0));
export const timesText = ({ p50, p95, max }: Times) => [p50, p95, max].map(seconds).join(" / ");
const shares = ({ busyShare, coldShare, idleShare }: Outcome) =>
  `${[busyShare, coldShare, idleShare].map((share) => (100 * share).toFixed(0)).join(" / ")} %`;
export const amount = (dollars: number) => dollars.toFixed(dollars < 0.001 ? 7 : dollars < 1 ? 4 : 2);
