import { describeCircumstances } from "../machine.ts";
import { table } from "../markdown.ts";
import { ratios, type Spread, spread } from "../statistics.ts";
import {
  type SegmentResults,
  type SessionProbe,
  type StepResults,
  summariseTiming,
  type TimingSummary,
} from "./results.ts";

/** Writes the step section of the benchmarks document as Markdown, from the measurements only. */

const AIM = { reusedShare: 0.03, torchRatio: 1, commandSeconds: 15, commandCores: 2 } as const;

const TORCH = `PyTorch took turns with ours, with the same number of threads. It ran the model of tools/demo-model/stdit3.py
with guidance, eagerly and in float32, with the faster of two forms of attention (written out or fused). PyTorch / ours
is above 1 where ours is faster.`;

export function stepReport(results: StepResults): string {
  const timings = results.timings.map(summariseTiming);
  return [
    "## Steps, sessions and the whole command",
    "Values are medians, with the 10th and 90th percentiles in parentheses.",
    "### Computed and reused steps",
    stepTable(timings),
    `A computed step runs the whole transformer for both guidance halves. A reused step adds the cached residual instead
of running the blocks. Both were timed in the pipeline's loop, including its work around the graph.`,
    ...new Set(timings.map(({ torch }) => (typeof torch === "string" ? `PyTorch was ${torch}` : TORCH))),
    "### Steps without guidance",
    guidanceTable(timings),
    `With a guidance scale of 1, a step computes the conditional half only. Ratios are above 1 where that is faster.`,
    "### Segments",
    segmentTable(results.segments),
    `A segment runs a computed step and the reused steps after it in one run of a graph. Both were timed around the graphs
and the sampler, without a policy, in turns, with ${count(results.segments.threads, "thread")}. Segment / one by one is
below 1 where the segment is faster. It is meant for devices that have to copy the residual; none was measured.`,
    "### Sessions",
    sessionTable(results),
    `Each session was opened in a fresh process with one thread per core, from files that had been read before. Memory is
the growth of the process's resident memory by opening the session, and by running it once too: its own memory, and
mapped files such as the code of onnxruntime.`,
    "### From command to MP4",
    commandTable(results),
    `\`npm run generate -- "${results.command.prompt}"\` with the model's defaults, from the start of npm to its exit.
This includes starting Node and the child process, loading the model, encoding the prompt, denoising, decoding the
frames and encoding the video.`,
    "### How it was measured",
    describeCircumstances(results.circumstances)
      .map((line) => `- ${line}`)
      .join("\n"),
    "### Limits",
    `- One small model was timed, at one video size, on one machine; other sizes scale differently.
- PyTorch ran eagerly in float32. The section on the published models compares the demo model with its other forms.`,
    "### Aims",
    aims(results, timings),
  ].join("\n\n");
}

function stepTable(timings: readonly TimingSummary[]): string {
  return table(
    [
      "Threads",
      "Computed step, ms",
      "Reused step, ms",
      "Reused / computed",
      "PyTorch step, ms",
      "PyTorch / ours",
    ],
    timings.map(({ threads, computed, reused, reusedShare, torch }) => [
      String(threads),
      told(computed, 1),
      told(reused, 2),
      toldPercent(reusedShare),
      ...(typeof torch === "string"
        ? ["–", "–"]
        : [`${told(torch.step, 1)}, ${torch.attention}, ${torch.version}`, told(torch.ratio, 2)]),
    ]),
  );
}

function guidanceTable(timings: readonly TimingSummary[]): string {
  return table(
    ["Threads", "Step", "With guidance, ms", "Guidance scale 1, ms", "With / without"],
    timings.flatMap(({ threads, computed, reused, unguided }) => [
      [
        String(threads),
        "computed",
        told(computed, 1),
        told(unguided.computed, 1),
        told(unguided.computedRatio, 2),
      ],
      [String(threads), "reused", told(reused, 2), told(unguided.reused, 2), told(unguided.reusedRatio, 2)],
    ]),
    [1],
  );
}

function segmentTable({ lengths }: SegmentResults): string {
  return table(
    ["Reused steps", "One by one, ms", "Segment, ms", "Segment / one by one", "Graph, kB", "Open, ms"],
    lengths.map(({ reused, stepwise, segment, graphBytes, open }) => [
      String(reused),
      told(spread(stepwise), 1),
      told(spread(segment), 1),
      told(spread(ratios(segment, stepwise)), 2),
      (graphBytes / 1e3).toFixed(0),
      open.toFixed(0),
    ]),
  );
}

function sessionTable({ sessions }: StepResults): string {
  const header = [
    "Session",
    "Graph, kB",
    "Build, ms",
    "Open, ms",
    "Own memory, MB",
    "Mapped, MB",
    "Own after a run, MB",
  ];
  const megabytes = (probes: readonly SessionProbe[], of: (memory: Memory) => number) => {
    const values = probes.flatMap(({ memory }) => (memory ? [of(memory) / 1e6] : []));
    return values.length === 0 ? "–" : spread(values).median.toFixed(0);
  };
  return table(
    header,
    sessions.map(({ name, probes }) => [
      name,
      (probes[0]!.graphBytes / 1e3).toFixed(0),
      told(spread(probes.map((probe) => probe.build)), 0),
      told(spread(probes.map((probe) => probe.open)), 0),
      megabytes(probes, ({ opened }) => opened.anonymous),
      megabytes(probes, ({ opened }) => opened.file),
      megabytes(probes, ({ ran }) => ran.anonymous),
    ]),
  );
}

type Memory = NonNullable<SessionProbe["memory"]>;

function commandTable({ command }: StepResults): string {
  return table(
    ["Cache", "Seconds"],
    command.runs.map(({ cache, seconds }) => [cache, told(spread(seconds), 1)]),
  );
}

function aims({ command, circumstances }: StepResults, timings: readonly TimingSummary[]): string {
  const met = (isMet: boolean) => (isMet ? "yes" : "no");
  const steps = timings.map(({ threads, reusedShare }) => [
    `A reused step costs at most ${AIM.reusedShare * 100} % of a computed one, ${count(threads, "thread")}`,
    toldPercent(reusedShare),
    met(reusedShare.median <= AIM.reusedShare),
  ]);
  const torch = timings.map(({ threads, torch }) => [
    `Not slower than PyTorch eager, ${count(threads, "thread")}`,
    typeof torch === "string" ? "not measured" : `${told(torch.ratio, 2)} times as fast`,
    typeof torch === "string" ? "–" : met(torch.ratio.median >= AIM.torchRatio),
  ]);
  const { cores } = circumstances.machine;
  const total = command.runs.map(({ cache, seconds }) => [
    `Command to MP4 in under ${AIM.commandSeconds} s on two cores, cache ${cache}`,
    `${told(spread(seconds), 1)} s on ${count(cores, "core")}`,
    // A result on more than two cores does not prove the aim; one on fewer cores does.
    cores > AIM.commandCores ? "–" : met(spread(seconds).median < AIM.commandSeconds),
  ]);
  return table(["Aim", "Measured", "Met"], [...steps, ...torch, ...total], [0, 1, 2]);
}

function told({ median, p10, p90 }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${p10.toFixed(digits)}–${p90.toFixed(digits)})`;
}

function toldPercent({ median, p10, p90 }: Spread): string {
  const percent = (share: number) => (share * 100).toFixed(2);
  return `${percent(median)} % (${percent(p10)}–${percent(p90)})`;
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}
