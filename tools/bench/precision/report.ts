import { describeCircumstances } from "../machine.ts";
import { table } from "../markdown.ts";
import { mean } from "../statistics.ts";
import { type Decibels, type PrecisionResults, type SettingSummary, summariseSettings } from "./results.ts";

/** Writes the section on precision as Markdown, from the measurements only. */

/** Loss in dB below which a precision is held to cost little. */
const LITTLE_DB = 1;
const DEFAULT = "So float32 stays the default.";
const STATISTICS = ["mean", "p10", "worst"] as const;

export function precisionReport(results: PrecisionResults): string {
  const { circumstances, minutes, precision, prompts, steps } = results;
  const [alone, ...cached] = summariseSettings(results) as [SettingSummary, ...SettingSummary[]];
  return [
    `## Quality in ${precision}`,
    `Every cache level in float32 and in ${precision}, on ${prompts.length} prompts with their seeds, at ${steps} steps.
Each video is compared with the one **in float32 without cache**, never with ${precision} without cache. PSNR in dB:
mean / 10th percentile / worst. Loss is float32 less ${precision}; a negative loss is a gain. “Same schedules” counts
the videos whose computed steps are the same in both precisions.`,
    table(
      ["Cache", "Computed: float32", precision, "Same schedules", "PSNR: float32", precision, "Loss"],
      [alone, ...cached].map((setting) => [
        setting.name,
        setting.computed.float32.toFixed(1),
        setting.computed.narrow.toFixed(1),
        `${setting.sameSchedules}/${prompts.length}`,
        inWords(setting.psnr.float32),
        inWords(setting.psnr.narrow),
        setting === alone ? "–" : STATISTICS.map((name) => signed(lossOf(setting, name))).join(" / "),
      ]),
    ),
    verdict(precision, cached),
    [
      `- By itself, without cache, ${precision} comes to ${alone.psnr.narrow.p10.toFixed(1)} dB at the 10th percentile, and to ` +
        `${alone.psnr.narrow.worst.toFixed(1)} dB at worst.`,
      `- ${differing(cached, prompts.length)}`,
      `- Without cache, ${precision} denoised in ${timeShare(results).toFixed(2)} of the processor time of float32, on one thread.`,
      "- Policies that plan by the model's table were given the same table in both precisions. A request in " +
        `${precision} takes only a table that was measured in ${precision}; without one, \`auto\` is “auto, without a table”.`,
      ...describeCircumstances(circumstances).map((line) => `- ${line}`),
      `- Measuring these ${prompts.length} prompts took ${minutes.toFixed(0)} minutes; \`--resume\` measures more. The 10th ` +
        "percentile and the worst of a few videos are rough numbers.",
    ].join("\n"),
  ].join("\n\n");
}

/** Says with which cache levels the loss is little, in the mean, at the 10th percentile and at worst. */
function verdict(precision: string, cached: readonly SettingSummary[]): string {
  const isLittle = (setting: SettingSummary) => STATISTICS.every((name) => lossOf(setting, name) < LITTLE_DB);
  const [little, much] = [cached.filter(isLittle), cached.filter((setting) => !isLittle(setting))];
  const names = (settings: readonly SettingSummary[]) => settings.map(({ name }) => name).join("; ");
  const limit = `${LITTLE_DB} dB`;
  if (much.length === 0)
    return `**With every cache level ${precision} loses less than ${limit}, in the mean, the 10th percentile and the worst.**`;
  if (little.length === 0)
    return `**With no cache level ${precision} loses less than ${limit} in all three. ${DEFAULT}**`;
  return (
    `**In the mean, the 10th percentile and the worst, ${precision} loses less than ${limit} with ${names(little)}; ` +
    `${limit} or more in one of them with ${names(much)}. ${DEFAULT}**`
  );
}

/** Says how often both precisions computed other steps. */
function differing(cached: readonly SettingSummary[], prompts: number): string {
  const same = cached.reduce((sum, { sameSchedules }) => sum + sameSchedules, 0);
  const all = cached.length * prompts;
  return `${all - same} of ${all} videos with a cache computed other steps than in float32.`;
}

function lossOf({ psnr }: SettingSummary, statistic: keyof Decibels): number {
  return psnr.float32[statistic] - psnr.narrow[statistic];
}

function timeShare({ prompts }: PrecisionResults): number {
  const seconds = (of: "float32" | "narrow") =>
    mean(prompts.map(({ videos }) => videos[0]![of].denoiseSeconds));
  return seconds("narrow") / seconds("float32");
}

function inWords(decibels: Decibels): string {
  return decibels.worst === Infinity
    ? "identical"
    : STATISTICS.map((name) => decibels[name].toFixed(1)).join(" / ");
}

function signed(value: number): string {
  return `${value < 0 ? "−" : ""}${Math.abs(value).toFixed(2)}`;
}
