import { join } from "node:path";
import { docsFolder } from "../bench/options.ts";
import { writeText } from "../bench/results-file.ts";
import { BACKENDS } from "./backends/index.ts";
import { idleMonth, totalOf } from "./bill.ts";
import { type Block, heading, list, markdown, paragraph } from "./blocks.ts";
import { parsePlan } from "./options.ts";
import { makePlan, type Outcome, type Plan } from "./plan.ts";
import { PRICES, type Price, quoted, SERVICE_PRICES_DATE } from "./prices.ts";
import {
  amount,
  assumptions,
  billTable,
  deployedFigures,
  outcomeTable,
  savings,
  timesText,
  variantTable,
} from "./report.ts";

/** Scenarios of the document, in order. Bills and assumptions are listed for the second one. */
const SCENARIOS: readonly (readonly [title: string, words: string])[] = [
  ["10 videos a day", "--model open-sora-1.2 --videos-per-day 10 --days 28 --idle-minutes 5,3,15"],
  ["1,000 videos a day", "--model open-sora-1.2 --videos-per-day 1000 --idle-minutes 5,3,15"],
  [
    "1,000 videos a day, in bursts of 20",
    "--model open-sora-1.2 --videos-per-day 1000 --profile bursts --instances-max 1,2,4",
  ],
  ["10,000 videos a day", "--model open-sora-1.2 --videos-per-day 10000 --instances-max 8,4"],
  ["10 videos a day of the demo model, without a GPU", "--model demo --videos-per-day 10 --days 28"],
];

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
  const { modelGb } = reference.options.model;
  const waf = totalOf(idleMonth({ modelGb: modelGb.value, hasWaf: true })) - totalOf(reference.idle);
  const demo = totalOf(scenarios.at(-1)!.plan.idle);
  return [
    `# What it costs

Written by \`npm run plan -- --document\`; manual edits will be overwritten. Prices of ${SERVICE_PRICES_DATE}, us-east-1,
in US dollars. **Everything here is simulated, and nothing was measured on AWS.** The GPU time of a video is the latency
that the authors of AdaCache published for an A100. \`npm run plan -- --help\` shows how to plan with your own numbers.
`,
    markdown([
      heading("In short"),
      summary(scenarios),
      paragraph(`A month without videos costs ${totalOf(reference.idle).toFixed(2)} $; no instance runs.`),
      list([
        "With a few videos a day, most of the cost is cold starts and idle windows, not denoising. The cache saves " +
          "little there, and a shorter idle window saves more.",
        "With a steady load the instance never scales to zero and costs almost the same with and without the cache. With " +
          "the cache, the same instance can make more videos.",
        "With many videos the cache reduces the number of instances needed, but only if `instancesMax` is lowered too: " +
          "all instances are removed together, once there are no jobs, so those started for a peak stay until then.",
      ]),
      heading("A month without videos"),
      billTable(reference.idle),
      paragraph(
        `With the demo model, which is smaller, the total is ${demo.toFixed(2)} $. AWS WAF adds ${waf.toFixed(2)} $ ` +
          `if it is enabled. Each deployment that creates or replaces the endpoint starts one instance, which costs about ` +
          `${deployment(reference).toFixed(2)} $. Stored videos cost ${PRICES.s3Storage.dollars} $ per GB and month.`,
      ),
    ]),
    ...scenarios.map(({ title, words, plan }) => markdown(scenarioBlocks(title, words, plan))),
    markdown([
      heading("One video, without instance time"),
      paragraph("For a video of the scenario with 1,000 videos a day, cache fast:"),
      billTable(reference.besides),
      heading("Assumptions"),
      list([...assumptions(reference.options), ...deployedFigures()]),
      heading("Prices"),
      priceTable(),
      heading("Limits"),
      paragraph("The simulation does not include:"),
      list([
        "The speed of these instances: the latencies are those of the authors' code on an A100, which none of " +
          "them has. Use `--speed`, or `--steps` and `--step-seconds`, once you have measured it.",
        BACKENDS[reference.options.backend].unseen,
        "Failed and retried videos, unavailable instances, quotas.",
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

function planOf(words: string): Plan {
  const command = parsePlan(words.split(" "));
  if (command.kind !== "plan") throw new TypeError(`${words} is no plan`);
  return makePlan(command.options);
}

function scenarioBlocks(title: string, words: string, plan: Plan): Block[] {
  const { model, instanceTypes, instancesMax, idleMinutes } = plan.options;
  return [
    heading(title),
    paragraph(
      `\`npm run plan -- ${words}\`: ${model.title}, with times of ${model.hardware}; at most ${instancesMax[0]} ` +
        `${instanceTypes[0]}, idle window of ${idleMinutes[0]} minutes.`,
    ),
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
      pair(({ gpuDollarsPerDay }) => gpuDollarsPerDay.toFixed(2)),
      pair(({ gpuDollarsPerVideo }) => amount(gpuDollarsPerVideo)),
    ];
  });
  return {
    kind: "table",
    header: [
      "Scenario",
      "Instances, max",
      "Request to video, cache off: p50 / p95 / max s",
      "Cache fast: p50 / p95 / max s",
      "Instances, $ per day, off / fast",
      "Instances, $ per video, off / fast",
    ],
    rows,
    textColumns: [0, 1],
  };
}

function priceTable(): Block {
  return {
    kind: "table",
    header: ["Price", "Origin", "Source"],
    rows: Object.values<Price>(PRICES).map((price) => [quoted(price), price.origin, price.source]),
    textColumns: [0, 1, 2],
  };
}
