import { join } from "node:path";
import type { BackendName } from "../../infra/config.ts";
import { docsFolder } from "../bench/options.ts";
import { writeText } from "../bench/results-file.ts";
import { BACKENDS } from "./backends/index.ts";
import { idleMonth, totalOf } from "./bill.ts";
import { type Block, heading, list, markdown, paragraph } from "./blocks.ts";
import { parsePlan } from "./options.ts";
import { KNOWN_SHARE, makePlan, type Outcome, type Plan } from "./plan.ts";
import { PRICES, type Price, quoted, SERVICE_PRICES_DATE } from "./prices.ts";
import {
  assumed,
  assumptions,
  billTable,
  deployedFigures,
  failedShare,
  outcomeTable,
  range,
  savings,
  timesText,
  variantTable,
} from "./report.ts";
import { streamTable, streamText } from "./stream-costs.ts";
import { durationRange, money, percent, perVideo } from "./units.ts";

/** Scenarios of the document, in order. Bills and assumptions are listed for the second one. */
const SCENARIOS: readonly (readonly [title: string, words: string])[] = [
  ["10 videos a day", "--model open-sora-1.2 --videos-per-day 10 --days 28 --idle-minutes 5,3,15"],
  ["1,000 videos a day", "--model open-sora-1.2 --videos-per-day 1000 --idle-minutes 5,3,15"],
  [
    "1,000 videos a day, in bursts of 20",
    "--model open-sora-1.2 --videos-per-day 1000 --profile bursts --instances-max 1,4 --scaling backlog,steady",
  ],
  [
    "10,000 videos a day",
    "--model open-sora-1.2 --videos-per-day 10000 --instances-max 16,8 --scaling backlog,steady",
  ],
  [
    "100,000 videos a day, from nothing",
    "--model open-sora-1.2 --videos-per-day 100000 --days 1 --instances-max 100 --scaling backlog,steady",
  ],
  [
    "10,000 videos a day on ECS",
    "--model open-sora-1.2 --backend ecs --videos-per-day 10000 --instances-max 16,8",
  ],
  [
    "1,000 videos a day on ECS, in bursts of 20",
    "--model open-sora-1.2 --backend ecs --videos-per-day 1000 --profile bursts --instances-max 4",
  ],
  ["200 videos a day of Wan 2.1 1.3B", "--model wan2.1-1.3b --videos-per-day 200 --instances-max 2,4"],
  [
    "100 videos a day of Wan 2.2 A14B at 720p, in office hours",
    "--model wan2.2-a14b --videos-per-day 100 --profile office --instances-max 4,8",
  ],
  ["10 videos a day of the demo model, without a GPU", "--model demo --videos-per-day 10 --days 28"],
];

/** Command of the table of overload, but for the number of videos a day. */
const OVERLOAD = "--model open-sora-1.2 --instances-max 8 --videos-per-day";

interface Scenario {
  readonly title: string;
  readonly words: string;
  readonly plan: Plan;
}

/** Writes docs/costs.md and returns its path. */
export async function writeCosts(): Promise<string> {
  const path = join(docsFolder, "costs.md");
  await writeText(path, costsDocument());
  return path;
}

/** Returns the document. It is deterministic for given prices, models and rules. */
export function costsDocument(): string {
  const scenarios = SCENARIOS.map(([title, words]) => ({ title, words, plan: planOf(words) }));
  const reference = scenarios[1]!.plan;
  const idle = (backend: BackendName, { hasWaf }: { readonly hasWaf: boolean }) =>
    totalOf(
      idleMonth({
        modelGb: reference.options.model.modelGb.value,
        hasWaf,
        atRest: BACKENDS[backend].atRest({ instancesMax: 1, scaling: "backlog" }),
      }),
    );
  const waf = idle("sagemaker", { hasWaf: true }) - totalOf(reference.idle);
  const onEcs = idle("ecs", { hasWaf: false });
  const demo = totalOf(scenarios.at(-1)!.plan.idle);
  return [
    `# What it costs

Written by \`npm run plan -- --document\`; manual edits will be overwritten. Prices of ${SERVICE_PRICES_DATE}, us-east-1,
in US dollars. **Everything here is simulated, and nothing was measured on AWS.** \`npm run plan -- --help\` shows how to
plan with your own numbers; \`--dollars-per-hour\` takes the price of another region. A video that is not finished by its
deadline, an hour after its request by default, fails. All costs of a video are those of the finished ones.
`,
    markdown([
      heading("In short"),
      paragraph(ranges(scenarios, totalOf(reference.idle))),
      paragraph(assumed(reference.options)),
      summary(scenarios),
      list([
        "With a few videos a day, most of the cost is cold starts and idle windows, not denoising. The cache saves " +
          "little there, and a shorter idle window saves more.",
        "With a steady load the instance never scales to zero and costs almost the same with and without the cache. With " +
          "the cache, the same instance can make more videos.",
        "With many videos the cache reduces the number of instances needed, but only if `instancesMax` is lowered too: " +
          "all instances are removed together, once there are no jobs, so those started for a peak stay until then.",
        "Where more is asked than the instances make, the queue grows until every video starts shortly before its " +
          "deadline. One that cannot end by then is not begun, as far as that is known: all tables take 90 % of a " +
          "video's time as known, and the section on overload says what more and less are worth.",
        "On ECS instances without work go one by one, so that those of a peak do not stay. The time for which one is billed " +
          "after its worker was stopped is left out, 7 to 8 minutes in a public report.",
        "`scaling=backlog`, the default, starts as many instances as the waiting jobs need. `scaling=steady` adds them one " +
          "by one: cheaper for bursts that may wait, but a sudden load is late for hours, and late videos fail. With one " +
          "instance at most they are the same.",
      ]),
      heading("A month without videos"),
      billTable(reference.idle),
      paragraph(
        `With the demo model, which is smaller, the total is ${money(demo)}. With this model on ECS it is ` +
          `${money(onEcs)}: fewer queues are polled, and the network costs nothing at rest. AWS WAF adds ${money(waf)} if ` +
          "it is enabled. Each deployment that creates or replaces the endpoint starts one instance, which costs about " +
          `${money(deployment(reference))}. Stored videos cost ${quoted(PRICES.s3Storage)}. The two dashboards cost ` +
          `nothing as the first of an account, and ${quoted(PRICES.dashboard)} beyond its third (recalled).`,
      ),
    ]),
    markdown([
      heading("More videos than the instances make"),
      paragraph(
        "A video waits for those before it. One that is begun too late is stopped at its deadline, and has been paid for. " +
          "So a worker fails a video that cannot end any more, by the times that it has measured, and makes the next one. " +
          "Runs tell it what a video takes at least, 97 % of what it does where they vary by 1 %, and 91 % at 3 % " +
          "(`test/service/quotes/estimate.test.ts`). A video for which the rest is missing is still begun and stopped; " +
          "with more instances on one queue, more of them are. " +
          `Simulated are \`npm run plan -- ${OVERLOAD} N\`, cache off, and the same with other knowledge:`,
      ),
      overloadTable(),
    ]),
    ...scenarios.map(({ title, words, plan }) => markdown(scenarioBlocks(title, words, plan))),
    markdown([
      heading("1,000 videos, without instance time"),
      paragraph("For videos of the scenario with 1,000 videos a day, cache fast:"),
      billTable(reference.besides, 1000),
      heading("Following a video"),
      streamTable(),
      paragraph(streamText()),
      heading("Assumptions"),
      list([...assumptions(reference.options), ...deployedFigures()]),
      heading("Prices"),
      priceTable(),
      heading("Limits"),
      paragraph("The simulation does not include:"),
      list([
        "The speed of these instances: the latencies are those of the authors' code on an A100 or an RTX 4090, which " +
          "none of them has, and the difference is assumed from data sheets. Use `--speed`, or `--steps` and " +
          "`--step-seconds`, once you have measured it.",
        ...Object.values(BACKENDS).map(({ unseen }) => unseen),
        "Videos that fail for other reasons than time, retried videos, unavailable instances, quotas.",
        "Savings Plans, free tiers, taxes, other regions.",
      ]),
    ]),
  ].join("\n");
}

/** Returns the cost in US dollars of creating or replacing the backend. */
function deployment({ options, dollarsPerHour }: Plan): number {
  const { deploymentSeconds } = BACKENDS[options.backend];
  const seconds = deploymentSeconds(options.coldStartSeconds.figure.value, options.idleMinutes[0]);
  return (seconds / 3600) * dollarsPerHour;
}

/** Returns what a video and an idle month cost, over all scenarios of the reference's model. */
function ranges(scenarios: readonly Scenario[], idle: number): string {
  const { title, denoising } = scenarios[1]!.plan.options.model;
  const outcomes = scenarios
    .filter(({ plan }) => plan.options.model.denoising === denoising)
    .flatMap(({ plan }) => plan.outcomes);
  const costs = outcomes.flatMap(({ gpuDollarsPerVideo }) => gpuDollarsPerVideo ?? []);
  const times = outcomes.flatMap(({ untilVideo }) => untilVideo?.p50 ?? []);
  return (
    `A video (${title}) costs ${perVideo(Math.min(...costs))} to ${perVideo(Math.max(...costs))}, and half of the ` +
    `videos are there within ${durationRange(Math.min(...times), Math.max(...times))}, by how many are made and how ` +
    `they are spread. A month without videos costs ${money(idle)}; no instance runs.`
  );
}

function planOf(words: string, knownShare?: number): Plan {
  const command = parsePlan(words.split(" "));
  if (command.kind !== "plan") throw new TypeError(`${words} is no plan`);
  return makePlan(command.options, knownShare);
}

function scenarioBlocks(title: string, words: string, plan: Plan): Block[] {
  return [
    heading(title),
    paragraph(range(plan)),
    paragraph(assumed(plan.options)),
    paragraph(`\`npm run plan -- ${words}\``),
    outcomeTable(plan),
    paragraph(savings(plan)),
    ...(plan.variants.length > 0 ? [paragraph("Other settings:"), variantTable(plan.variants)] : []),
  ];
}

function summary(scenarios: readonly Scenario[]): Block {
  const rows = scenarios.map(({ title, plan }) => {
    const [off, , fast] = plan.outcomes as [Outcome, Outcome, Outcome];
    const pair = (of: (outcome: Outcome) => string) => `${of(off)} / ${of(fast)}`;
    return [
      title,
      `${plan.options.instancesMax[0]} ${plan.options.instanceTypes[0]}`,
      timesText(off.untilVideo),
      timesText(fast.untilVideo),
      pair((outcome) => percent(failedShare(outcome))),
      pair(({ gpuDollarsPerDay }) => money(gpuDollarsPerDay)),
      pair(({ gpuDollarsPerVideo }) => perVideo(gpuDollarsPerVideo)),
    ];
  });
  return {
    kind: "table",
    header: [
      "Scenario",
      "Instances, max",
      "Request to video, cache off: p50 / p95 / max",
      "Cache fast: p50 / p95 / max",
      "Failed, off / fast",
      "Instances, a day, off / fast",
      "Instances, a finished video, off / fast",
    ],
    rows,
    textColumns: [0, 1],
  };
}

/** Shares of a video's time that a worker knows it to take at least; the middle one is that of all other tables. */
const KNOWN: readonly (readonly [share: number, title: string])[] = [
  [0, "all are begun"],
  [KNOWN_SHARE, "90 % of its time is known"],
  [1, "all of it is known"],
];

function overloadTable(): Block {
  const rows = ["8000", "10000", "17250"].map((videos) => {
    const known = KNOWN.map(([share]) => planOf(`${OVERLOAD} ${videos}`, share).outcomes[0]!);
    return [
      videos,
      percent(known[0]!.load),
      ...known.map((outcome) => percent(failedShare(outcome))),
      ...known.map(({ gpuDollarsPerVideo }) => perVideo(gpuDollarsPerVideo)),
    ];
  });
  const columns = (name: string) => KNOWN.map(([, title]) => `${name}: ${title}`);
  const header = ["Videos a day", "Load", ...columns("Failed"), ...columns("A finished video")];
  return { kind: "table", header, rows };
}

function priceTable(): Block {
  return {
    kind: "table",
    header: ["Price", "Origin", "Source"],
    rows: Object.values<Price>(PRICES).map((price) => [quoted(price), price.origin, price.source]),
    textColumns: [0, 1, 2],
  };
}
