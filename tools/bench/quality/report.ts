import { describeCircumstances } from "../machine.ts";
import { table } from "../markdown.ts";
import { type Method, methodsFor } from "../methods.ts";
import type { Spread } from "../statistics.ts";
import {
  type QualityResults,
  type QualitySummary,
  runsOf,
  stepCountsOf,
  summarise,
  summariseByMotion,
} from "./results.ts";
import { MOTIONS, type Motion } from "./scenes.ts";

/** Writes the quality section of the benchmarks document as Markdown, from the measurements only. */

/** File name of the chart, in the folder of the document. */
export const CHART_FILE = "benchmarks-quality.svg";

/** Goal for the speedup of denoising with AdaCache fast at 30 steps. */
const AIM = { steps: 30, speedup: 2.2 } as const;

interface Row {
  readonly method: Method;
  readonly summary: QualitySummary;
  readonly byMotion: ReadonlyMap<Motion, QualitySummary>;
}

export function qualityReport(results: QualityResults): string {
  const lengths = stepCountsOf(results).map((steps) => ({ steps, rows: rowsOf(results, steps) }));
  return [
    "## Caching: speed and quality",
    lengths.flatMap(({ steps, rows }) => headlines(steps, rows)).join("\n"),
    `![PSNR over computed steps for every method](${CHART_FILE})`,
    `Computed steps are mean ± standard deviation. The speedup is the denoising time without cache divided by that of the
method: the median, with the 10th and 90th percentiles in parentheses. PSNR (dB) and SSIM compare decoded frames with
those of the same prompt, seed and steps without cache. Identical videos have infinite PSNR: the last column counts
them, the mean omits them, and the 10th percentile (p10) and the minimum include them.`,
    ...lengths.flatMap(({ steps, rows }) => [
      `### ${steps} steps`,
      mainTable(rows),
      "By motion, in the order still / slow / fast / bounce (means, but medians of the speedup):",
      motionTable(rows),
    ]),
    "### How it was measured",
    howMeasured(results),
    "### Limits",
    limits(),
    "### Aim",
    aims(lengths),
  ].join("\n\n");
}

function rowsOf(results: QualityResults, steps: number): Row[] {
  return methodsFor(steps).flatMap((method) => {
    const runs = runsOf(results, steps, method);
    if (runs.length === 0) return [];
    return [{ method, summary: summarise(runs), byMotion: summariseByMotion(results, runs) }];
  });
}

/**
 * Summarises the savings and the quality of AdaCache fast, compared with the plain sampler that computes
 * about as many steps.
 */
function headlines(steps: number, rows: readonly Row[]): string[] {
  const plain = rows.filter(({ method }) => method.family === "fewer");
  return rows
    .filter(({ method }) => method.family === "fast")
    .map(({ method, summary }) => {
      const { computed, speedup, psnr } = summary;
      const distance = ({ summary }: Row) => Math.abs(Math.log(summary.computed.mean / computed.mean));
      const nearest = plain.toSorted((a, b) => distance(a) - distance(b))[0];
      const beside = nearest
        ? `; ${nearest.method.request.steps} steps without cache reach ${decibels(nearest.summary.psnr.mean)} dB`
        : "";
      return (
        `- **${method.name}, ${steps} steps:** ${computed.mean.toFixed(1)} steps are computed, and denoising is ` +
        `${speedup.median.toFixed(2)} times as fast. PSNR against the uncached video is ${decibels(psnr.mean)} dB ` +
        `(higher is closer)${beside}.`
      );
    });
}

function mainTable(rows: readonly Row[]): string {
  const header = ["Method", "Computed", "Range", "Speedup", "PSNR", "p10", "Min", "SSIM", "Identical"];
  return table(
    header,
    rows.map(({ method, summary: { computed, speedup, psnr, ssim, identical, videos } }) => [
      method.name,
      computed.deviation === 0
        ? computed.mean.toFixed(0)
        : `${computed.mean.toFixed(1)} ± ${computed.deviation.toFixed(1)}`,
      computed.least === computed.most ? `${computed.least}` : `${computed.least}–${computed.most}`,
      times(speedup),
      decibels(psnr.mean),
      decibels(psnr.p10),
      decibels(psnr.least),
      ssim.toFixed(4),
      `${identical}/${videos}`,
    ]),
  );
}

function motionTable(rows: readonly Row[]): string {
  const groups = (row: Row, tell: (summary: QualitySummary) => string) =>
    MOTIONS.map((motion) => row.byMotion.get(motion))
      .map((summary) => (summary ? tell(summary) : "–"))
      .join(" / ");
  return table(
    ["Method", "Computed", "Speedup", "PSNR", "SSIM"],
    rows
      .filter(({ method }) => method.family !== "none")
      .map((row) => [
        row.method.name,
        groups(row, ({ computed }) => trimmed(computed.mean)),
        groups(row, ({ speedup }) => speedup.median.toFixed(2)),
        groups(row, ({ psnr }) => decibels(psnr.mean)),
        groups(row, ({ ssim }) => ssim.toFixed(3)),
      ]),
  );
}

function howMeasured(results: QualityResults): string {
  const { prompts, minutes } = results;
  const lines = [
    ...describeCircumstances(results.circumstances),
    `${prompts.length} prompts: each scene with four motions (still, slow, fast, bouncing), such as ` +
      `“${prompts.at(-1)!.text}”. The four prompts of a scene share one seed, which all methods use.`,
    "Every method ran between two runs of its reference on the same prompt. The speedup is the mean time of these two " +
      "runs divided by the method's time, so that a slow phase of the machine affects both. The order of the methods " +
      "rotated with every prompt. “No cache, again” compares the second of these runs with the first: its speedup " +
      "shows the noise of the clock, and its videos must be identical.",
    "“8 steps, no cache” and the like are the plain sampler with fewer steps (“fewer steps, no cache” in the chart), " +
      "compared with the reference at all steps. A video that is compared with both references was generated once.",
    "AdaCache uses the codebooks and constants of its authors, which are not tuned to this model. The one exception is " +
      "slow at 100 steps, for which they published no thresholds (see lib/generation/caching/codebook.ts).",
    `The benchmark took ${minutes.toFixed(1)} minutes.`,
  ];
  return lines.map((line) => `- ${line}`).join("\n");
}

function limits(): string {
  return [
    "- PSNR and SSIM measure how close a video is to the uncached one, not how good a video looks or whether it follows " +
      "the prompt: an object in another place costs many decibels and may look as good.",
    "- The model is small, and its videos are simple scenes of few pixels. The effect of the same policies on a large " +
      "model must be measured with that model.",
    "- Numbers of computed steps are exact; times are those of one machine.",
    "- There are only eight scenes: differences between methods below about 1 dB may be chance.",
  ].join("\n");
}

function aims(lengths: readonly { steps: number; rows: readonly Row[] }[]): string {
  const rows = lengths.find(({ steps }) => steps === AIM.steps)?.rows ?? [];
  return table(
    ["Aim", "Measured", "Met"],
    rows
      .filter(({ method }) => method.family === "fast")
      .map(({ method, summary: { speedup } }) => [
        `${method.name}: denoising at least ${AIM.speedup} times as fast at ${AIM.steps} steps`,
        times(speedup),
        speedup.median >= AIM.speedup ? "yes" : "no",
      ]),
    [0, 1, 2],
  );
}

function times({ median, p10, p90 }: Spread): string {
  return `${median.toFixed(2)} (${p10.toFixed(2)}–${p90.toFixed(2)})`;
}

/**
 * Formats a PSNR.
 *
 * @param value  null or Infinity if the videos are identical
 */
function decibels(value: number | null): string {
  return value === null || value === Infinity ? "∞" : value.toFixed(1);
}

function trimmed(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}
