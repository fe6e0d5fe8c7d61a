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

/** Writes the model section of the benchmarks document as Markdown, from the measurements only. */

/** Goal for the time of PyTorch divided by that of ours. */
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
    "## The published models, compared with PyTorch",
    `Ratios are medians over rounds, with the 10th and 90th percentiles in parentheses. PyTorch / ours is above 1 where ours
is faster. “Fastest” is PyTorch's fastest run divided by our fastest run; these are the runs that other programs
disturbed least.`,
    "### A step at the published width",
    stepTable(steps),
    `Layers have their published width and random weights. Only the first few blocks were timed; the last column
extrapolates to all blocks, assuming that each takes the same time.`,
    "### Text encoders and decoders",
    partTable(others),
    missing(results.timings),
    "### Memory of a decoder run",
    decoderTable(results.decoders),
    `Each decoder ran once in a fresh process. The peak is that of the whole process. The rest is the peak without the
weights and without the memory of Node before the session was opened, divided by the number of pixels of all frames.`,
    "### Opening the models at their published size",
    openingTable(results.openings),
    `Sessions have the model's default video size, or the size in the table. The checkpoints contain all weights as sparse
files, so the figures show the cost of a session before weights are read. The peak is that of the whole process. Where
a step ran, it read all weights, and the peak includes these mapped weights.`,
    "### How it was measured",
    method(results),
    "### Limits",
    `- Videos of realistic size were not timed. The share of attention grows with the number of tokens.
- Short prompts were not timed: texts had the model's maximum length. Ours also computes the padding of shorter texts,
  which Latte and Open-Sora drop.
- Neither side used compilation or 16-bit arithmetic, which may make PyTorch faster.
- No GPU was used.`,
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

/** Returns a list item for each reason why something was timed without PyTorch. */
function missing(timings: readonly ModelTiming[]): string {
  const reasons = new Map<string, string[]>();
  for (const { family, subject, torch } of timings) {
    if (typeof torch !== "string") continue;
    reasons.set(torch, [...(reasons.get(torch) ?? []), `${family} (${SUBJECT_NAMES[subject]})`]);
  }
  return [...reasons]
    .map(([reason, timed]) => `- PyTorch was ${reason} This concerns ${timed.join(", ")}.`)
    .join("\n");
}

function decoderTable(decoders: readonly ModelSession[]): string {
  return table(
    ["Family", "Video", "Peak, MB", "Weights, MB", "Rest, KB per pixel"],
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
    `Load average at the end, including this benchmark: ${results.loadAfter.toFixed(1)}.`,
    `PyTorch ${[...versions].join(", ") || "was not installed"}: eager, float32, taking turns with ours. Threads of each: ` +
      `${results.threads}. Both had the same weights and inputs, and were timed only after their results agreed. The ` +
      "difference is the largest absolute difference of the results divided by the largest value.",
    "PyTorch's Latte and Wan transformers, both text encoders and two decoders are those of diffusers and transformers. " +
      "Open-Sora-Plan's transformer is compared with the Latte class, which has the same positions. Open-Sora's modules " +
      "and Open-Sora-Plan's decoder are those of their authors.",
    "Sessions map their weights from the file, as the sessions of the whole model do.",
    "A step computes both guidance halves in a batch of 2, and then guidance.",
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
