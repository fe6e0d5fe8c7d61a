import { describeCircumstances } from "../machine.ts";
import { table } from "../markdown.ts";
import { MOTIONS } from "../scenes.ts";
import { type AimResult, aimsOf } from "./aims.ts";
import type { Interval } from "./bootstrap.ts";
import { type Comparison, comparisonOf, STATISTICS, type Statistic } from "./curves.ts";
import { differenceFrom, verdictOf } from "./differences.ts";
import { METHODS_PER_REFERENCE } from "./measure.ts";
import { OWN_CURVE } from "./methods.ts";
import {
  IDENTICAL_DB,
  type MeasuredMethod,
  type MethodName,
  type PolicyResults,
  policyStepCounts,
  REFERENCE_GROUP,
  summarisePolicy,
} from "./results.ts";

/** Writes the policies section of the benchmarks document as Markdown, from the measurements only. */

/** File name of the chart, in the folder of the document. */
export const POLICY_CHART_FILE = "benchmarks-policies.svg";

/** Setting with which all curves are compared: the product's default when the harness was written. */
export const YARDSTICK = { group: "AdaCache, motion", label: "fast" } as const;

/** Writes the report. `yardstick` is the setting with which every curve is compared at equal time. */
export function policyReport(results: PolicyResults, yardstick: MethodName = YARDSTICK): string {
  const comparisons = policyStepCounts(results).map((steps) => comparisonOf(results, steps));
  return [
    "## Policies in one harness",
    `Every policy on the same prompts, seeds, model and sampler. Computed steps count the first n of L blocks as n / L and
the conditional half alone as 0.5. Time is the denoising time as a share of that without cache, with everything that the
policy needs: signals, forecasts, further graphs. PSNR (dB) and SSIM compare decoded frames with those of the same
prompt, seed and steps without cache: mean ± standard deviation, 10th percentile, worst. A video identical to the
uncached one counts as ${IDENTICAL_DB} dB. Settings in bold are defaults of the policy's own publication or code.`,
    `![PSNR over time and over computed steps for every policy](${POLICY_CHART_FILE})`,
    "### Aims",
    aimsSection(comparisons),
    ...comparisons.flatMap((comparison) => stepsSection(results, comparison, yardstick)),
    "### Policies",
    sources(results.methods),
    "### How the policies were measured",
    howMeasured(results, comparisons),
    "### Limits of this comparison",
    LIMITS,
  ].join("\n\n");
}

function stepsSection(results: PolicyResults, comparison: Comparison, yardstick: MethodName): string[] {
  const { steps } = comparison;
  const compared = yardstickTable(comparison, yardstick);
  return [
    `### Policies at ${steps} steps`,
    methodTable(results, comparison),
    ...(compared === null
      ? []
      : [
          `Difference to ${yardstick.group} ${yardstick.label} at equal mean time, in dB with 95 % bootstrap intervals over ` +
            "prompts. A curve that does not reach that time has none:",
          compared,
        ]),
  ];
}

function methodTable(
  { prompts, runs, methods }: PolicyResults,
  { steps, prompts: compared }: Comparison,
): string {
  const isCompared = new Set(compared);
  const own = runs.filter((run) => run.steps === steps && isCompared.has(run.prompt));
  const rows = [{ group: REFERENCE_GROUP, label: "", isDefault: false }, ...methods].flatMap((method) => {
    const measured = own.filter(({ group, label }) => group === method.group && label === method.label);
    if (measured.length === 0) return [];
    const { computed, time, psnr, ssim } = summarisePolicy(measured);
    const byMotion = MOTIONS.map((motion) =>
      measured.filter(({ prompt }) => prompts[prompt]!.motion === motion),
    )
      .filter((some) => some.length > 0)
      .map((some) => summarisePolicy(some));
    return [
      [
        method.group,
        method.isDefault ? `**${method.label}**` : method.label,
        plusMinus(computed, 1),
        time.toFixed(3),
        plusMinus(psnr, 1),
        psnr.p10.toFixed(1),
        psnr.worst.toFixed(1),
        plusMinus(ssim, 4),
        ssim.p10.toFixed(4),
        ssim.worst.toFixed(4),
        byMotion.map((some) => some.psnr.mean.toFixed(1)).join(" / "),
        byMotion.map((some) => some.computed.mean.toFixed(1)).join(" / "),
      ],
    ];
  });
  const kinds = MOTIONS.join(" / ");
  return table(
    [
      ...["Policy", "Setting", "Computed", "Time", "PSNR", "p10", "Worst", "SSIM", "p10", "Worst"],
      `PSNR: ${kinds}`,
      `Computed: ${kinds}`,
    ],
    rows,
    [0, 1],
  );
}

function yardstickTable(comparison: Comparison, { group, label }: MethodName): string | null {
  const setting = comparison.curves
    .find((curve) => curve.group === group)
    ?.settings.find((one) => one.label === label);
  if (!setting) return null;
  const rows = comparison.curves
    .filter((curve) => curve.group !== group)
    .map((curve) => {
      const cells = (Object.keys(STATISTICS) as Statistic[]).map((statistic) => {
        const interval = differenceFrom(comparison, curve, setting, statistic);
        return interval === null ? "–" : `${inWords(interval)} ${better(interval)}`;
      });
      return [curve.group, ...cells];
    })
    .filter((cells) => cells.slice(1).some((cell) => cell !== "–"));
  return table(["Policy", "Mean", "p10", "Worst"], rows);
}

function better(interval: Interval): string {
  const { low, high } = interval;
  if (low > 0) return "better";
  return high < 0 ? "worse" : "chance";
}

function aimsSection(comparisons: readonly Comparison[]): string {
  const results = comparisons.flatMap((comparison) =>
    comparison.curves.filter(({ group }) => group === OWN_CURVE).flatMap((own) => aimsOf(comparison, own)),
  );
  if (results.length === 0) {
    return "The aims are those of the product's own budget policy, which this run did not measure.";
  }
  const told = `The aims are those of ${OWN_CURVE}: least differences in dB, with 95 % intervals.`;
  const rows = table(
    ["Steps", "Against", "Of PSNR", "Aim", "Measured", "Verdict"],
    results.map((aim) => [
      String(aim.steps),
      aim.against,
      aim.statistic,
      signed(aim.goal),
      aim.measured ? inWords(aim.measured) : "–",
      verdictWords(aim),
    ]),
    [1, 2, 5],
  );
  return `${told}\n\n${rows}`;
}

/** Words for a verdict; an aim whose interval holds the goal is open to chance. */
function verdictWords({ verdict, measured, goal }: AimResult): string {
  if (!measured) return verdict;
  const side = measured.estimate >= goal ? "met" : "missed";
  return verdictOf(measured, goal) === "chance" ? `${side}, may be chance` : verdict;
}

function sources(methods: readonly MeasuredMethod[]): string {
  const bySource = new Map(methods.map((method) => [method.group, method] as const));
  const roles = { variant: " (variant, not counted as a rival)", reference: " (offline reference)" } as const;
  return [...bySource.values()]
    .map(
      ({ group, role, source }) =>
        `- **${group}**${role in roles ? roles[role as "variant"] : ""}: ${source}.`,
    )
    .join("\n");
}

function howMeasured(results: PolicyResults, comparisons: readonly Comparison[]): string {
  const { circumstances, prompts, calibrationPrompts, minutes, threads, clock } = results;
  const [first, ...others] = circumstances;
  const counts = comparisons.map(({ steps, prompts: compared }) => `${compared.length} at ${steps} steps`);
  return [
    ...describeCircumstances(first!),
    ...others.map(({ command, date }) => `Then: \`${command}\`, ${date}.`),
    `${prompts.length} prompts, such as “${prompts.at(-1)!.text}”, each with its own seed (compared: ${counts.join(", ")}). ` +
      `Rivals were calibrated on ${calibrationPrompts.length} others.`,
    "The product's own policies run as they are. A rival takes over the sessions of a generation without cache and decides " +
      "for each step which graph runs: prompt, seed, sampler, decoder and loop are the product's. Where a rival's code " +
      "decides for both halves of guidance apart, here one decision is made for both.",
    `${threads === 1 ? "One thread" : `${threads} threads`} for each graph. ${METHODS_PER_REFERENCE} methods at a time ran between two runs of ` +
      "the reference, and their times are divided by the mean of the two; the order of the methods rotated with every prompt.",
    ...(clock === "cpu" ? ["Times are those that the process computed, because other programs ran."] : []),
    "An interval is that of 1000 bootstrap samples of prompts, the same for all policies; between its settings a policy's " +
      "quality is interpolated over time. A difference whose interval holds 0 is called chance.",
    `Measuring took ${minutes.toFixed(0)} minutes.`,
  ]
    .map((line) => `- ${line}`)
    .join("\n");
}

const LIMITS = [
  "- PSNR and SSIM measure how close a video is to the uncached one, not how good it looks.",
  "- The demo model is small. `--model` and `--prompts` run the same comparison on another model.",
  "- Of many rivals the best one at a time is partly lucky; it is chosen once, on all prompts, which favours the rivals.",
  "- A bootstrap knows little about the worst of so few videos: those intervals are rough.",
].join("\n");

function inWords({ estimate, low, high }: Interval): string {
  return `${signed(estimate)} (${signed(low)} to ${signed(high)})`;
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
}

function plusMinus({ mean, deviation }: { mean: number; deviation: number }, digits: number): string {
  return deviation === 0 ? mean.toFixed(digits) : `${mean.toFixed(digits)} ± ${deviation.toFixed(digits)}`;
}
