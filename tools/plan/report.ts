import type { ScaleOutRule } from "../../infra/backends/scaling-rules.ts";
import { PROFILES } from "./arrivals.ts";
import { BACKENDS } from "./backends/index.ts";
import { type BillLine, DEPLOYED, totalOf } from "./bill.ts";
import { type Block, heading, list, paragraph } from "./blocks.ts";
import type { Figure } from "./figure.ts";
import { CACHES, type PlanModel, videoSeconds } from "./models.ts";
import type { PlanOptions } from "./options.ts";
import { dollarsPerVideo, type Outcome, type Plan, type Times } from "./plan.ts";
import { PRICES, quoted, SERVICE_PRICES_DATE } from "./prices.ts";
import type { ScalingRules } from "./scaling.ts";
import { duration, durationRange, durations, exactly, money, percent, perVideo } from "./units.ts";

/** Returns the report of a plan: outcomes, bills and assumptions. */
export function planReport(plan: Plan): Block[] {
  const { options, variants } = plan;
  const compared: Block[] = variants.length === 0 ? [] : [heading("Other settings"), variantTable(variants)];
  return [
    heading(`Plan for ${counted(options.videosPerDay, "video")} a day`),
    paragraph(range(plan)),
    paragraph(assumed(options)),
    outcomeTable(plan),
    paragraph(savings(plan)),
    ...compared,
    heading("1,000 videos, without instance time"),
    billTable(plan.besides, 1000),
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
    row("Instance time of a video", ({ videoSeconds }) => duration(videoSeconds)),
    row("Load of all instances", ({ load }) => percent(load)),
    row("Waiting time p50 / p95 / max", ({ waiting }) => timesText(waiting)),
    row("Request to video p50 / p95 / max", ({ untilVideo }) => timesText(untilVideo)),
    row("Failed: never started / stopped", (outcome) => failures(outcome)),
    row("Instance time per day", ({ gpuHours }) => duration((3600 * gpuHours) / plan.options.days)),
    row("Busy / starting / idle", (outcome) => shares(outcome)),
    row(
      "Instance starts per day, most at once",
      ({ starts, instancesAtOnce }) => `${(starts / plan.options.days).toFixed(1)}, ${instancesAtOnce}`,
    ),
    row("Finished videos per instance hour", ({ videosPerHour }) => videosPerHour.toFixed(1)),
    row("Instances, a day", ({ gpuDollarsPerDay }) => money(gpuDollarsPerDay)),
    row("Instances, a finished video", ({ gpuDollarsPerVideo }) => perVideo(gpuDollarsPerVideo)),
    row("Instances, a video if always busy", (outcome) => perVideo(fullyBusy(plan, outcome))),
    row("In total, a finished video", (outcome) => perVideo(dollarsPerVideo(plan, outcome))),
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
      "Idle window",
      "Scaling",
      "Waiting time p50 / p95 / max",
      "Failed",
      "Busy / starting / idle",
      "Instances, a day",
      "Instances, a finished video",
    ],
    rows: variants.map((outcome) => [
      outcome.cache,
      String(outcome.instancesMax),
      `${outcome.idleMinutes} min`,
      outcome.scaling,
      timesText(outcome.waiting),
      percent(failedShare(outcome)),
      shares(outcome),
      money(outcome.gpuDollarsPerDay),
      perVideo(outcome.gpuDollarsPerVideo),
    ]),
  };
}

/** Returns the table of a bill, times a number, with its total. */
export function billTable(lines: readonly BillLine[], times = 1): Block {
  const rows = lines.map((line) => {
    const price = PRICES[line.price];
    const mark = price.origin === "recalled" ? " (recalled)" : "";
    return [line.what, line.because, `${quoted(price)}${mark}`, money(times * line.dollars)];
  });
  return {
    kind: "table",
    header: ["Item", times === 1 ? "Quantity" : "Quantity for each", "Price", "Cost"],
    rows: [...rows, ["Total", "", "", money(times * totalOf(lines))]],
    textColumns: [0, 1, 2],
  };
}

/** Returns sentences about the savings of the cache, failed videos, and the cost of an instance that runs all day. */
export function savings({ options, outcomes, dollarsPerHour }: Plan): string {
  const [off, , fast] = outcomes as [Outcome, Outcome, Outcome];
  const saved = 1 - fast.gpuDollarsPerDay / off.gpuDollarsPerDay;
  const longest = runLimit(options);
  const failing = failedShare(off) + failedShare(fast) > 0;
  return (
    `For the same arrivals, cache fast saves ${(100 * saved).toFixed(0)} % of the instance cost, and ` +
    `${faster(off, fast)}. ` +
    (failing
      ? `Of all videos, ${percent(failedShare(fast))} fail with cache fast and ${percent(failedShare(off))} without, for ` +
        `a deadline of ${duration(options.deadlineSeconds)}` +
        `${longest === null ? "" : ` and runs of at most ${duration(longest)}`}` +
        `${isVain(fast) ? "" : "; times and costs are those of the others"}. `
      : "") +
    `One instance that runs all day costs ${money(24 * dollarsPerHour)}.`
  );
}

/** Returns whether no video was finished in time. */
const isVain = ({ finished }: Outcome) => finished === 0;

/** Returns what the cache does for the time from request to video. */
function faster(off: Outcome, fast: Outcome): string {
  if (isVain(fast)) return "no video is finished with it";
  const [cached, uncached] = [p95(fast), p95(off)];
  const compared = isVain(off)
    ? ", where without it none is finished"
    : cached === uncached
      ? ", as without"
      : ` instead of ${uncached}`;
  return `the p95 from request to video is ${cached}${compared}`;
}

const p95 = ({ untilVideo }: Outcome) => (untilVideo === null ? "none" : duration(untilVideo.p95));

/** Returns the longest run in seconds, where the backend has a limit that ends before the deadline; else null. */
function runLimit({ backend, deadlineSeconds }: PlanOptions): number | null {
  const most = BACKENDS[backend].runSecondsMax;
  return most === null || most >= deadlineSeconds ? null : most;
}

/**
 * Returns what a video costs at least and at most, and what this plan says, with the time until it is there. The bounds
 * are those of an instance that is always busy, and of a video that has an instance alone.
 */
export function range(plan: Plan): string {
  const { options, dollarsPerHour, outcomes } = plan;
  const [off, , fast] = outcomes as [Outcome, Outcome, Outcome];
  const { model, speed, coldStartSeconds, idleMinutes } = options;
  const alone =
    coldStartSeconds.most + model.load.value + videoSeconds(model, "off", speed.value) + 60 * idleMinutes[0];
  const pair = (of: (outcome: Outcome) => string) =>
    isVain(off)
      ? `${of(fast)} with cache fast`
      : of(fast) === of(off)
        ? `${of(fast)} with and without cache`
        : `${of(fast)} with cache fast and ${of(off)} without`;
  return (
    `A video (${model.title}) costs ${money(fullyBusy(plan, fast))} to ` +
    `${money((alone / 3600) * dollarsPerHour)} of instance time: the less if instances are always busy and the cache ` +
    "is fast, the more if an instance starts for it alone. " +
    (isVain(fast)
      ? "Here none is finished in time: a longer --timeout-seconds, faster instances or fewer steps may help."
      : `Here it costs ${pair(({ gpuDollarsPerVideo }) => perVideo(gpuDollarsPerVideo))}. Half of the finished videos are ` +
        `there within ${pair(({ untilVideo }) => duration(untilVideo!.p50))}, 95 % within ${pair(p95)}.` +
        `${isVain(off) ? " Without cache none is finished in time." : ""}`)
  );
}

/** Returns the assumptions that decide the result, in one sentence. */
export function assumed(options: PlanOptions): string {
  const { model, instanceTypes, instancesMax, idleMinutes, coldStartSeconds: cold, speed } = options;
  return (
    `Assumed: times of ${model.hardware}, at ${speed.value === 1 ? "" : `${speed.value} times `}that speed on at most ` +
    `${instancesMax[0]} ${instanceTypes[0]}; starts that take ${durationRange(cold.least, cold.most)}; an idle window of ` +
    `${idleMinutes[0]} minutes; ${options.dollarsPerHour ? "the price that was given" : "prices of us-east-1"}.`
  );
}

/** Returns every number that was not simulated, with its origin. */
export function assumptions(options: PlanOptions): string[] {
  const { model, instanceTypes, speed, coldStartSeconds: cold, profile, days, seed } = options;
  const [type, ...others] = instanceTypes;
  const [instancesMax, idleMinutes] = [options.instancesMax[0], options.idleMinutes[0]];
  const backend = BACKENDS[options.backend];
  const scaling = options.scaling[0];
  const longest = runLimit(options);
  const price = (name: string) => exactly(backend.instanceTypes[name]!.dollarsPerHour);
  const given = options.dollarsPerHour;
  return [
    given
      ? `Instance ${type}: ${exactly(given.value)} per hour (given): ${given.source}.`
      : `Instance ${type}: ${price(type)} per hour, looked up ${backend.pricesDate}, us-east-1` +
        `${others.map((name) => `; if unavailable, ${name} at ${price(name)}`).join("")}.`,
    backend.billing,
    `Cold start: ${durationRange(cold.least, cold.most)} (${cold.figure.origin}): ${cold.figure.source}. It includes the delay of the alarm.`,
    told("Speed", speed),
    ...modelFigures(model),
    `Arrivals: a Poisson process, ${PROFILES[profile]}; ${counted(days, "day")}, seed ${seed}. None is cancelled.`,
    `Failures: a video fails that is not finished ${duration(options.deadlineSeconds)} after its request (timeout)` +
      `${longest === null ? "" : `, or takes more than ${duration(longest)} once it is started`}. One that waits until it ` +
      "cannot end by then is never started, once five were measured, and one that is stopped has been paid for. No " +
      "video fails for another reason.",
    `Scaling, as deployed with scaling=${scaling}: ` +
      `${scalingText(backend.rules({ instancesMax, idleMinutes, scaling }))} ${backend.deciding}`,
    `Other prices were looked up on ${SERVICE_PRICES_DATE} on public pages, us-east-1, without free tiers.`,
  ];
}

/** Returns what the rules do, in sentences. */
function scalingText({ adding, instancesMax, idleMinutes, removalSeconds }: ScalingRules): string {
  const policies = adding.map(
    ({ counts, minutes, cooldownSeconds, ...rule }) =>
      `by the ${counts} (${stepsText(rule)}), after ${counted(minutes, "minute")}, with a cooldown of ` +
      `${duration(cooldownSeconds)} in which only a higher step adds what it exceeds the last one by`,
  );
  return (
    `instances are added ${policies.join("; or ")}; up to ${instancesMax}. ` +
    `All are removed after ${counted(idleMinutes, "minute")} without a job` +
    `${removalSeconds === null ? "" : `, and after as long one each ${duration(removalSeconds)} that does not work`}.`
  );
}

const stepsText = ({ steps, unit }: Pick<ScaleOutRule, "steps" | "unit">) =>
  steps.map(({ from, add }) => `from ${from}: ${add}${unit === "percent" ? " %" : ""} more`).join(", ");

const counted = (count: number, noun: string) =>
  `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;

/** Returns every number of the bills that is not a price, with its origin. */
export const deployedFigures = (): string[] =>
  Object.values<Figure>(DEPLOYED).map(
    ({ value, origin, source }) => `${source[0]!.toUpperCase()}${source.slice(1)}: ${value} (${origin}).`,
  );

function modelFigures({ denoising, load, encode, decode, write }: PlanModel): string[] {
  const parts = [
    time("Time to open the model", load),
    time("Time to encode the prompt", encode),
    time("Time to decode the frames", decode),
    time("Time to write the files", write),
  ];
  if (denoising.by === "latency") {
    const all = CACHES.map((cache) => `${cache} ${denoising.seconds[cache].value} s`).join(", ");
    const { origin, source } = denoising.seconds.off;
    return [`Latency of a video: ${all} (${origin}): ${source}.`, ...parts];
  }
  const { steps, stepSeconds, reusedRatio, computedSteps } = denoising;
  return [
    told("Steps", steps),
    time("Time of a computed step", stepSeconds),
    told("Time of a reused step over that of a computed step", reusedRatio),
    told("Computed steps with cache fast", computedSteps.fast),
    told("Computed steps with cache slow", computedSteps.slow),
    ...parts,
  ];
}

const told = (name: string, { value, origin, source }: Figure) =>
  `${name}: ${Number(value.toPrecision(4))} (${origin}): ${source}.`;

const time = (name: string, { value, origin, source }: Figure) =>
  `${name}: ${Number(value.toPrecision(4))} s (${origin}): ${source}.`;

/** Returns the cost of a video's instance time in US dollars, the limit for an instance that is always busy. */
const fullyBusy = ({ dollarsPerHour }: Plan, { videoSeconds }: Outcome) =>
  (videoSeconds / 3600) * dollarsPerHour;
export const timesText = (times: Times | null) =>
  times === null ? "none" : durations([times.p50, times.p95, times.max]);
/** Returns the share of videos that were asked for and failed. */
export const failedShare = ({ videos, finished }: Outcome) => (videos - finished) / videos;

/** Returns the shares of videos that failed while they waited, and while they ran. */
function failures({ videos, failed: { waited, deadline, run } }: Outcome): string {
  if (waited + deadline + run === 0) return "none";
  return `${percent(waited / videos)} / ${percent((deadline + run) / videos)}`;
}

const shares = ({ busyShare, coldShare, idleShare }: Outcome) =>
  `${[busyShare, coldShare, idleShare].map((share) => (100 * share).toFixed(0)).join(" / ")} %`;
