import { PROFILES } from "./arrivals.ts";
import { BACKENDS } from "./backends/index.ts";
import { type BillLine, DEPLOYED, totalOf } from "./bill.ts";
import { type Block, heading, list, paragraph } from "./blocks.ts";
import type { Figure } from "./figure.ts";
import { CACHES, type PlanModel } from "./models.ts";
import type { PlanOptions } from "./options.ts";
import { dollarsPerVideo, type Outcome, type Plan, type Times } from "./plan.ts";
import { PRICES, quoted, SERVICE_PRICES_DATE } from "./prices.ts";

/** A plan as it is printed: what comes out, what it costs besides, and what all of it rests on. */
export function planReport(plan: Plan): Block[] {
  const { options, variants } = plan;
  const compared: Block[] = variants.length === 0 ? [] : [heading("Other settings"), variantTable(variants)];
  return [
    heading(`Plan for ${options.videosPerDay} videos a day`),
    paragraph(`${options.model.title}; times of ${options.model.hardware}.`),
    outcomeTable(plan),
    paragraph(savings(plan)),
    ...compared,
    heading("One video besides the GPU"),
    billTable(plan.besides),
    heading("A month without a video"),
    billTable(plan.idle),
    heading("What this rests on"),
    list([...assumptions(options), ...deployedFigures()]),
  ];
}

/** A row for each figure and a column for each cache. */
export function outcomeTable(plan: Plan): Block {
  const { outcomes } = plan;
  const row = (name: string, of: (outcome: Outcome) => string) => [name, ...outcomes.map(of)];
  const rows = [
    row("Seconds of a video", ({ videoSeconds }) => seconds(videoSeconds)),
    row("Load of all instances", ({ load }) => `${(100 * load).toFixed(0)} %`),
    row("Waiting p50 / p95 / max", ({ waiting }) => timesText(waiting)),
    row("To the video p50 / p95 / max", ({ untilVideo }) => timesText(untilVideo)),
    row("Instance hours a day", ({ gpuHours }) => (gpuHours / plan.options.days).toFixed(2)),
    row("Busy / cold / idle", (outcome) => shares(outcome)),
    row(
      "Starts a day, at once",
      ({ starts, instancesAtOnce }) => `${(starts / plan.options.days).toFixed(1)}, ${instancesAtOnce}`,
    ),
    row("Videos an instance hour", ({ videosPerHour }) => videosPerHour.toFixed(1)),
    row("Instances, $ a day", ({ gpuDollarsPerDay }) => gpuDollarsPerDay.toFixed(2)),
    row("Instances, $ a video", ({ gpuDollarsPerVideo }) => amount(gpuDollarsPerVideo)),
    row("The same, never idle", (outcome) => amount(fullyBusy(plan, outcome))),
    row("Everything, $ a video", (outcome) => amount(dollarsPerVideo(plan, outcome))),
  ];
  return { kind: "table", header: ["Cache", ...outcomes.map(({ cache }) => cache)], rows };
}

/** A row for each setting and cache. */
export function variantTable(variants: readonly Outcome[]): Block {
  return {
    kind: "table",
    header: [
      "Cache",
      "Instances, most",
      "Idle, min",
      "Waiting p50 / p95 / max",
      "Busy / cold / idle",
      "$ a day",
      "$ a video",
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

/** What is paid, line by line, and in all. */
export function billTable(lines: readonly BillLine[]): Block {
  const rows = lines.map((line) => {
    const price = PRICES[line.price];
    const mark = price.origin === "recalled" ? " (recalled)" : "";
    return [line.what, line.because, `${quoted(price)}${mark}`, amount(line.dollars)];
  });
  return {
    kind: "table",
    header: ["What", "How much", "Price", "$"],
    rows: [...rows, ["All of it", "", "", amount(totalOf(lines))]],
    textColumns: [0, 1, 2],
  };
}

/** What the cache saves, and what an instance that never sleeps would cost. */
export function savings({ outcomes, dollarsPerHour }: Plan): string {
  const [off, , fast] = outcomes as [Outcome, Outcome, Outcome];
  const saved = 1 - fast.gpuDollarsPerDay / off.gpuDollarsPerDay;
  return (
    `Cache fast against off, same arrivals: ${(100 * saved).toFixed(0)} % of the instances' cost, ` +
    `p95 to the video ${seconds(off.untilVideo.p95)} s -> ${seconds(fast.untilVideo.p95)} s. ` +
    `One instance that never sleeps costs ${(24 * dollarsPerHour).toFixed(2)} $ a day.`
  );
}

/** Every number that was not simulated, with where it comes from. */
export function assumptions(options: PlanOptions): string[] {
  const { model, instanceTypes, speed, coldStartSeconds: cold, profile, days, seed } = options;
  const [type, ...others] = instanceTypes;
  const [instancesMax, idleMinutes] = [options.instancesMax[0], options.idleMinutes[0]];
  const backend = BACKENDS[options.backend];
  const { wake, grow } = backend.rules({ instancesMax, idleMinutes });
  const price = (name: string) => backend.instanceTypes[name]!.dollarsPerHour;
  const ranges = cold.least === cold.most ? `${cold.least} s` : `${cold.least} to ${cold.most} s`;
  return [
    `Instance ${type}: ${price(type)} $ an hour, looked up ${backend.pricesDate}, us-east-1` +
      `${others.map((name) => `; where that cannot be had ${name} at ${price(name)} $`).join("")}.`,
    backend.billing,
    `Cold start ${ranges} (${cold.figure.origin}): ${cold.figure.source}. It stands for the delay of the alarm, too.`,
    told("Speed", speed),
    ...modelFigures(model),
    `Arrivals: Poisson, ${PROFILES[profile]}; ${days} days from seed ${seed}; no video fails, expires or is cancelled.`,
    `Scaling, as deployed: one more after ${wake.minutes} minute of backlog without an instance (then ` +
      `${wake.cooldownSeconds} s nothing), one more after ${grow.minutes} minutes of ${grow.backlog} jobs an instance ` +
      `(then ${grow.cooldownSeconds} s nothing), up to ${instancesMax}; none after ` +
      `${idleMinutes} minutes without a job. ${backend.deciding}`,
    `Other prices looked up ${SERVICE_PRICES_DATE} on public pages, us-east-1, no free tier taken off.`,
  ];
}

/** Each number behind the bills that is not a price. */
export const deployedFigures = (): string[] =>
  Object.values<Figure>(DEPLOYED).map(
    ({ value, origin, source }) => `${source[0]!.toUpperCase()}${source.slice(1)}: ${value} (${origin}).`,
  );

function modelFigures({ denoising, load, encode, decode, write }: PlanModel): string[] {
  const parts = [
    told("Opening the model, s", load),
    told("Prompt, s", encode),
    told("Decoding, s", decode),
    told("Writing, s", write),
  ];
  if (denoising.by === "latency") {
    const all = CACHES.map((cache) => `${cache} ${denoising.seconds[cache].value} s`).join(", ");
    const { origin, source } = denoising.seconds.off;
    return [`A video: ${all} (${origin}): ${source}.`, ...parts];
  }
  const { steps, stepSeconds, reusedRatio, computedSteps } = denoising;
  return [
    told("Steps", steps),
    told("A computed step, s", stepSeconds),
    told("A reused step over a computed one", reusedRatio),
    told("Computed steps, fast", computedSteps.fast),
    told("Computed steps, slow", computedSteps.slow),
    ...parts,
  ];
}

const told = (name: string, { value, origin, source }: Figure) =>
  `${name}: ${Number(value.toPrecision(4))} (${origin}): ${source}.`;

/** Dollars of an instance for the seconds of one video: what many videos in a row come near to. */
const fullyBusy = ({ dollarsPerHour }: Plan, { videoSeconds }: Outcome) =>
  (videoSeconds / 3600) * dollarsPerHour;
const seconds = (value: number) => (value < 10 ? value.toFixed(1) : value.toFixed(0));
export const timesText = ({ p50, p95, max }: Times) => [p50, p95, max].map(seconds).join(" / ");
const shares = ({ busyShare, coldShare, idleShare }: Outcome) =>
  `${[busyShare, coldShare, idleShare].map((share) => (100 * share).toFixed(0)).join(" / ")} %`;
export const amount = (dollars: number) => dollars.toFixed(dollars < 0.001 ? 7 : dollars < 1 ? 4 : 2);
