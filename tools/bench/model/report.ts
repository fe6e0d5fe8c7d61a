import { describeCircumstances } from "../machine.ts";
import { table } from "../markdown.ts";
import type { Spread } from "../statistics.ts";
import {
  type ModelResults,
  type ModelSession,
  type ModelTiming,
  type ModelTimingSummary,
  type Subject,
  summariseModelTiming,
} from "./results.ts";

/** Section of the benchmarks document about the published models, as Markdown, derived from measurements alone. */

/** Aim for the ratio of PyTorch's time to ours. */
const AIM = 1;

const SUBJECT_NAMES: Readonly<Record<Subject, string>> = {
  step: "computed step",
  text: "text encoder layer",
  decoder: "decoder run",
};

export function modelReport(results: ModelResults): string {
  const steps = results.timings.filter(({ subject }) => subject === "step");
  const others = results.timings.filter(({ subject }) => subject !== "step");
  return [
    "## The published models, beside PyTorch",
    `Ratios are medians over rounds, with the 10th and the 90th percentile; PyTorch over ours is above 1 where ours is
faster. The fastest ratio is the fastest run of the one over the fastest of the other, which other programs
disturbed least.`,
    "### A step at the published width",
    stepTable(steps),
    `Layers are as wide as they were published and hold random weights; of the blocks the first few are there. The last
column takes every block to last as long as these.`,
    "### Text encoders and decoders",
    partTable(others),
    missing(results.timings),
    "### Memory of a decoder's run",
    decoderTable(results.decoders),
    `Each ran once in a fresh process. The peak is of the whole process; the rest is without the weights and without
what Node took before the session was opened, over the pixels of all frames.`,
    "### Opening the models as they were published",
    openingTable(results.openings),
    `Sessions at the model's default size, or the one named, over checkpoints with all of their weights, which were holes on
the disk: what is told is what a session costs before weights are read. The peak is of the whole process; where a step
ran, its mapped weights count as well, all of which it read.`,
    "### How it was measured",
    method(results),
    "### What it does not show",
    `- Large videos: attention's share grows with the tokens, and was not timed at the sizes people make.
- Short prompts: texts were as long as the model takes. Ours computes their padding, which Latte and Open-Sora drop.
- PyTorch at its best: compilation and 16-bit arithmetic were not tried, on either side.
- A GPU.`,
    "### Aims",
    aims(results.timings),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function stepTable(timings: readonly ModelTiming[]): string {
  return table(
    ["Family", "Timed", "PyTorch / ours", "Fastest", "Difference", "Reused / computed", "At all blocks"],
    timings.map((timing) => {
      const { torch, reusedShare, publishedReusedShare } = summariseModelTiming(timing);
      return [
        timing.family,
        timing.extent,
        ...torchCells(torch),
        percent(reusedShare),
        percent(publishedReusedShare),
      ];
    }),
    [0, 1],
  );
}

function partTable(timings: readonly ModelTiming[]): string {
  return table(
    ["Family", "Part", "Timed", "PyTorch / ours", "Fastest", "Difference"],
    timings.map((timing) => [
      timing.family,
      SUBJECT_NAMES[timing.subject],
      timing.extent,
      ...torchCells(summariseModelTiming(timing).torch),
    ]),
    [0, 1, 2],
  );
}

function torchCells(torch: ModelTimingSummary["torch"]): string[] {
  if (typeof torch === "string") return ["–", "–", "–"];
  return [told(torch.ratio), torch.fastestRatio.toFixed(2), torch.difference.toExponential(0)];
}

/** Returns a line for every reason why something was timed without PyTorch. */
function missing(timings: readonly ModelTiming[]): string {
  const reasons = new Map<string, string[]>();
  for (const { family, subject, torch } of timings) {
    if (typeof torch !== "string") continue;
    reasons.set(torch, [...(reasons.get(torch) ?? []), `${family} (${SUBJECT_NAMES[subject]})`]);
  }
  return [...reasons]
    .map(([reason, timed]) => `- PyTorch was ${reason} So it was for ${timed.join(", ")}.`)
    .join("\n");
}

function decoderTable(decoders: readonly ModelSession[]): string {
  return table(
    ["Family", "Video", "Peak, MB", "Of these weights, MB", "Rest, KB a pixel"],
    decoders.map(({ family, video, opening: { memory, weightBytes } }) => {
      const pixels = video.width * video.height * video.frames;
      return [
        family,
        size(video),
        memory ? megabytes(memory.peak) : "–",
        megabytes(weightBytes),
        memory ? ((memory.peak - memory.before - weightBytes) / pixels / 1e3).toFixed(1) : "–",
      ];
    }),
    [0, 1],
  );
}

function openingTable(openings: readonly ModelSession[]): string {
  return table(
    ["Family", "Session", "Video", "Weights, GB", "Graph, MB", "Build, s", "Open, s", "Run, s", "Peak, MB"],
    openings.map(({ family, session, video, opening }) => [
      family,
      session,
      size(video),
      (opening.weightBytes / 1e9).toFixed(2),
      (opening.graphBytes / 1e6).toFixed(1),
      (opening.build / 1e3).toFixed(1),
      (opening.open / 1e3).toFixed(1),
      opening.run === null ? "–" : (opening.run / 1e3).toFixed(0),
      opening.memory ? megabytes(opening.memory.peak) : "–",
    ]),
    [0, 1, 2],
  );
}

function method(results: ModelResults): string {
  const versions = new Set(
    results.timings.flatMap(({ torch }) => (typeof torch === "string" ? [] : [torch.version])),
  );
  return [
    ...describeCircumstances(results.circumstances),
    `Load average ${results.loadAfter.toFixed(1)} at the end, this benchmark included.`,
    `PyTorch ${[...versions].join(", ") || "was not there"}: eager, float32, in turns with ours and on as many threads: ` +
      `${results.threads}. Both were given the same weights and inputs, and nothing was timed before their results ` +
      "agreed; the difference is the largest distance over the largest value.",
    "Latte, Wan, both text encoders and two decoders are those of diffusers and transformers; Open-Sora-Plan's " +
      "transformer is Latte's, whose positions it shares; Open-Sora's modules and Open-Sora-Plan's decoder are the authors'.",
    "Sessions held their weights as those of the whole model do: mapped, as they lie in the file.",
    "A step is both guidance halves in a batch of 2, then guidance.",
  ]
    .map((line) => `- ${line}`)
    .join("\n");
}

function aims(timings: readonly ModelTiming[]): string {
  return table(
    ["Aim", "Measured", "Met"],
    timings.map((timing) => {
      const { torch } = summariseModelTiming(timing);
      const aim = `Not slower than PyTorch eager: ${timing.family}, ${SUBJECT_NAMES[timing.subject]}`;
      if (typeof torch === "string") return [aim, "not measured", "–"];
      return [aim, `${told(torch.ratio)} times as fast`, torch.ratio.median >= AIM ? "yes" : "no"];
    }),
    [0, 1, 2],
  );
}

function size({ width, height, frames }: ModelSession["video"]): string {
  return `${frames} x ${width}x${height}`;
}

function told({ median, p10, p90 }: Spread): string {
  return `${median.toFixed(2)} (${p10.toFixed(2)}–${p90.toFixed(2)})`;
}

function percent(share: Spread | null): string {
  return share === null ? "–" : `${(share.median * 100).toFixed(2)} %`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
