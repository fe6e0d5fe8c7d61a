import { describeCircumstances } from "../machine.ts";
import { table } from "../markdown.ts";
import type { Spread } from "../statistics.ts";
import {
  type Compared,
  losses,
  type ModelResults,
  type ModelSession,
  type ModelTiming,
  type Subject,
  summariseModelTiming,
  TORCH_FORMS,
  type TorchForm,
} from "./results.ts";

/** Writes the model section of the benchmarks document as Markdown, from the measurements only. */

/** Goal for the time of PyTorch in float32 divided by that of ours in float32. */
const AIM = 1;

const SUBJECT_NAMES: Readonly<Record<Subject, string>> = {
  step: "computed step",
  text: "text encoder layer",
  decoder: "decoder run",
};

/** Figures that this command did not measure: another machine, from before it timed more than eager float32. */
const ELSEWHERE = `Measured on 2026-11-29 on a Xeon with AMX, with one thread and two blocks, in turns, before int8 was built; no file of
results was kept. PyTorch's time / ours in float32: eager float32 0.93 to 1.02 at the width of Open-Sora 1.2 and 0.89 at
that of Wan2.1 1.3B; bfloat16 0.38 and 0.28; torch.compile 0.99 on the demo model. With AMX, PyTorch's bfloat16 takes
about a third of our float32 time, because onnxruntime's CPU provider multiplies neither bfloat16 nor float16 on x86.`;

export function modelReport(results: ModelResults): string {
  const steps = results.timings.filter(({ subject }) => subject === "step");
  const others = results.timings.filter(({ subject }) => subject !== "step");
  return [
    "## The published models, compared with PyTorch",
    verdict(results.timings),
    `That is true of one processor. On [one with AMX](#on-a-processor-with-amx), PyTorch's bfloat16 took about a third of
our time in float32.`,
    `Numbers are PyTorch's time divided by ours, fastest run by fastest run, with the 10th and 90th percentiles of the
ratios of single rounds in parentheses. Above 1 ours is faster; **below 1 PyTorch is**, in bold. Ours computes products
in the precision of the row, PyTorch in that of the column.`,
    "### A computed step at the published width",
    stepTable(steps),
    extentTable(steps),
    `Layers have their published width and random weights; the demo model has its own. Of the others only the first few
blocks were timed; the last column extrapolates to all blocks, assuming that each takes the same time. A reused step is
beside ours in float32. Differences are the largest absolute difference from our float32 result divided by the largest
value; that of int8 with random weights says nothing of trained ones.`,
    "### Text encoders and decoders",
    partTable(others),
    missing(results.timings),
    "### On a processor with AMX",
    ELSEWHERE,
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
    `- One processor was measured, with the instruction sets above. PyTorch's bfloat16 is slow on processors without AVX-512
  and AMX, and fast on those that have them: its columns, and those of int8, say nothing about other processors.
- Videos of realistic size were not timed. The share of attention grows with the number of tokens.
- Short prompts were not timed: texts had the model's maximum length. Ours also computes the padding of shorter texts,
  which Latte and Open-Sora drop.
- Neither PyTorch's int8 (torchao) nor other runtimes were timed.
- No GPU was used: \`tools/gpu-proof\` measures one, and has not run yet.`,
    "### Aims",
    aims(results.timings),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** Returns one line that says where PyTorch is faster. */
export function verdict(timings: readonly ModelTiming[]): string {
  if (timings.every(({ torch }) => typeof torch === "string")) return "PyTorch was not timed.";
  const lost = new Map<string, string[]>();
  for (const { timing, compared } of losses(timings)) {
    const ours = compared.precision === "float32" ? "" : `, ours in ${compared.precision}`;
    const where = `${timing.family}, ${SUBJECT_NAMES[timing.subject]}, ${counted(timing.threads)}${ours}`;
    lost.set(where, [...(lost.get(where) ?? []), `${compared.form} ${compared.fastestRatio.toFixed(2)}`]);
  }
  if (lost.size === 0) return "PyTorch was faster in none of these comparisons.";
  const all = [...lost].map(([where, forms]) => `${where}: ${forms.join(", ")}`);
  return `Where PyTorch is faster (its time / ours): ${all.join("; ")}.`;
}

function stepTable(timings: readonly ModelTiming[]): string {
  return table(
    ["Model", "Threads", "Ours", ...TORCH_FORMS],
    timings.flatMap((timing) =>
      timing.ours.map(({ precision }) => [
        timing.family,
        String(timing.threads),
        precision,
        ...TORCH_FORMS.map((form) => cell(timing, precision, form)),
      ]),
    ),
    [0, 2],
  );
}

function extentTable(timings: readonly ModelTiming[]): string {
  const first = timings.filter(
    (timing, index) => timings.findIndex(({ family }) => family === timing.family) === index,
  );
  return table(
    [
      "Model",
      "Timed",
      "Difference, PyTorch float32",
      "Difference, PyTorch bfloat16",
      "Difference, ours int8",
      "Reused / computed",
      "At all blocks",
    ],
    first.map((timing) => {
      const { reusedShare, publishedReusedShare } = summariseModelTiming(timing);
      return [
        timing.family,
        timing.extent,
        differenceOf(timing, "float32"),
        differenceOf(timing, "bfloat16"),
        timing.ours.find(({ precision }) => precision === "int8")?.difference.toExponential(0) ?? "–",
        percent(reusedShare),
        percent(publishedReusedShare),
      ];
    }),
    [0, 1],
  );
}

function partTable(timings: readonly ModelTiming[]): string {
  return table(
    ["Model", "Part", "Timed", "Threads", "float32", "bfloat16", "Difference, float32"],
    timings.map((timing) => [
      timing.family,
      SUBJECT_NAMES[timing.subject],
      timing.extent,
      String(timing.threads),
      cell(timing, "float32", "float32"),
      cell(timing, "float32", "bfloat16"),
      differenceOf(timing, "float32"),
    ]),
    [0, 1, 2],
  );
}

function cell(timing: ModelTiming, precision: string, form: TorchForm): string {
  const compared = comparedOf(timing).find((one) => one.precision === precision && one.form === form);
  if (!compared) return "–";
  const { fastestRatio, ratio } = compared;
  const fastest = fastestRatio.toFixed(2);
  return `${fastestRatio < 1 ? `**${fastest}**` : fastest} (${ratio.p10.toFixed(2)}–${ratio.p90.toFixed(2)})`;
}

function differenceOf(timing: ModelTiming, form: TorchForm): string {
  return (
    comparedOf(timing)
      .find((compared) => compared.form === form)
      ?.difference.toExponential(0) ?? "–"
  );
}

function comparedOf(timing: ModelTiming): readonly Compared[] {
  const { torch } = summariseModelTiming(timing);
  return typeof torch === "string" ? [] : torch;
}

/** Returns a list item for each reason why something was timed without PyTorch, or without one of its forms. */
function missing(timings: readonly ModelTiming[]): string {
  const reasons = new Map<string, Set<string>>();
  const add = (reason: string, { family, subject }: ModelTiming) =>
    reasons.set(reason, (reasons.get(reason) ?? new Set()).add(`${family} (${SUBJECT_NAMES[subject]})`));
  for (const timing of timings) {
    if (typeof timing.torch === "string") add(`PyTorch was ${timing.torch}`, timing);
    else
      for (const form of timing.torch.forms)
        if ("problem" in form)
          add(`PyTorch's ${form.form} was not timed: ${form.problem.replace(/\.$/, "")}.`, timing);
  }
  return [...reasons]
    .map(([reason, timed]) => `- ${reason} This concerns ${[...timed].join(", ")}.`)
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
  const { circumstances, commands, timings, loadAfter } = results;
  const versions = new Set(
    timings.flatMap(({ torch }) => (typeof torch === "string" ? [] : [torch.version])),
  );
  return [
    ...describeCircumstances({ ...circumstances, command: commands.join("`, `") }),
    `Load average at the end, including this benchmark: ${loadAfter.toFixed(1)}.`,
    `PyTorch ${[...versions].join(", ") || "was not installed"}: eager and through torch.compile, in float32 and in ` +
      "bfloat16 throughout, taking turns with ours in each round. Both had the same weights and inputs, and were timed " +
      "only after their float32 results agreed to 1e-4.",
    attentionLine(timings),
    "With one thread, times are those of the processor, which other programs disturb least; with more, of the clock. A " +
      "form that took more than four times as long as ours ran once.",
    "PyTorch's Latte, Wan and LTX-Video transformers, text encoders and three decoders are those of diffusers and " +
      "transformers. Open-Sora-Plan's transformer is compared with the Latte class, which has the same positions. " +
      "Open-Sora's modules and Open-Sora-Plan's decoder are those of their authors, where a checkout of them was at hand.",
    "Sessions map their weights from the file, as the sessions of the whole model do.",
    "A step computes both guidance halves in a batch of 2, and then guidance.",
  ]
    .filter((line) => line !== "")
    .map((line) => `- ${line}`)
    .join("\n");
}

/** Returns a sentence about the form of attention that was PyTorch's fastest. */
function attentionLine(timings: readonly ModelTiming[]): string {
  const used = timings.flatMap((timing) =>
    comparedOf(timing).map(({ form, attention }) => ({ form, attention, timing })),
  );
  if (used.length === 0) return "";
  const written = used.filter(({ attention }) => attention === "written");
  const where = written.map(
    ({ form, timing }) =>
      `${timing.family} (${SUBJECT_NAMES[timing.subject]}, ${form}, ${counted(timing.threads)})`,
  );
  return (
    "Each of PyTorch's forms had the faster of fused and written attention: the fused one" +
    (where.length === 0 ? "." : `, except for ${[...new Set(where)].join(", ")}.`)
  );
}

function aims(timings: readonly ModelTiming[]): string {
  const groups = new Map<string, ModelTiming[]>();
  for (const timing of timings) {
    const name = `${timing.family}, ${SUBJECT_NAMES[timing.subject]}`;
    groups.set(name, [...(groups.get(name) ?? []), timing]);
  }
  return table(
    ["Aim", "Least", "Met"],
    [...groups].map(([name, group]) => {
      const aim = `Not slower than PyTorch in float32, eager or compiled: ${name}`;
      const rivals = group.flatMap((timing) =>
        comparedOf(timing)
          .filter(({ precision, form }) => precision === "float32" && form.endsWith("float32"))
          .map((compared) => ({ ...compared, threads: timing.threads })),
      );
      const worst = rivals.toSorted((a, b) => a.fastestRatio - b.fastestRatio)[0];
      if (!worst) return [aim, "not measured", "–"];
      const { fastestRatio, form, threads } = worst;
      const told = `${fastestRatio.toFixed(2)} times as fast as ${form} with ${counted(threads)}`;
      return [aim, told, fastestRatio >= AIM ? "yes" : "no"];
    }),
    [0, 1, 2],
  );
}

function counted(threads: number): string {
  return `${threads} ${threads === 1 ? "thread" : "threads"}`;
}

function size({ width, height, frames }: ModelSession["video"]): string {
  return `${frames} x ${width}x${height}`;
}

function percent(share: Spread | null): string {
  return share === null ? "–" : `${(share.median * 100).toFixed(2)} %`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
