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

/** What the document plans, in its order; the second is the one whose assumptions are spelt out. */
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

/** Writes docs/costs.md and returns where it is. */
export async function writeCosts(): Promise<string> {
  const path = join(docsFolder, "costs.md");
  await writeText(path, costsDocument());
  return path;
}

/** The document, the same for the same prices, models and rules. */
export function costsDocument(): string {
  const scenarios = SCENARIOS.map(([title, words]) => ({ title, words, plan: planOf(words) }));
  const reference = scenarios[1]!.plan;
  const { modelGb } = reference.options.model;
  const waf = totalOf(idleMonth({ modelGb: modelGb.value, hasWaf: true })) - totalOf(reference.idle);
  const demo = totalOf(scenarios.at(-1)!.plan.idle);
  return [
    `# What it costs

Written by \`npm run plan -- --document\`; edits made here by hand are lost. Prices of ${SERVICE_PRICES_DATE}, us-east-1,
in US dollars. **Everything here is simulated: nothing of it was measured on AWS**, and how long a video keeps a GPU is
what others published for theirs. Ask \`npm run plan -- --help\` for your own numbers.
`,
    markdown([
      heading("In short"),
      summary(scenarios),
      paragraph(
        `Without a single video a month costs ${totalOf(reference.idle).toFixed(2)} $, no instance among it.`,
      ),
      list([
        "A few videos a day pay for cold starts and idle windows, not for denoising: there the cache changes little, " +
          "and a shorter idle window saves more.",
        "A steady stream that never lets the instance sleep pays for the instance's day, whatever the cache: what the " +
          "cache saves is room for more videos on the same instance.",
        "Many videos need fewer instances with the cache, but only where `instancesMax` says so: instances leave all " +
          "together, when nothing was asked for, so that every rush leaves as many as it called. Set it to what " +
          "the load needs.",
      ]),
      heading("A month without a video"),
      billTable(reference.idle),
      paragraph(
        `For the demo model, which is smaller, it is ${demo.toFixed(2)} $. AWS WAF, when it is on, adds ` +
          `${waf.toFixed(2)} $. A deployment that replaces the endpoint starts an instance once, about ` +
          `${deployment(reference).toFixed(2)} $. Stored videos add ${PRICES.s3Storage.dollars} $ a GB a month.`,
      ),
    ]),
    ...scenarios.map(({ title, words, plan }) => markdown(scenarioBlocks(title, words, plan))),
    markdown([
      heading("One video besides the GPU"),
      paragraph("A video of the scenario with 1,000 a day, cache fast:"),
      billTable(reference.besides),
      heading("What this rests on"),
      list([...assumptions(reference.options), ...deployedFigures()]),
      heading("Prices"),
      priceTable(),
      heading("What it does not show"),
      list([
        "How fast any of these instances is: the latencies are those of the authors' code on an A100, which is not " +
          "among them. Give `--speed`, or `--steps` and `--step-seconds`, once it was measured.",
        BACKENDS[reference.options.backend].unseen,
        "Videos that fail and are tried again, instances that cannot be had, quotas.",
        "Savings Plans, free tiers, taxes, other regions.",
      ]),
    ]),
  ].join("\n");
}

/** Returns the dollars that a deployment pays when it makes the backend. */
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
      `\`npm run plan -- ${words}\`: ${model.title}, times of ${model.hardware}; at most ${instancesMax[0]} of ` +
        `${instanceTypes[0]}, idle window ${idleMinutes[0]} minutes.`,
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
      "At most",
      "To the video, off: p50 / p95 / max s",
      "Cache fast",
      "Instances, $ a day, off / fast",
      "$ a video, off / fast",
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
