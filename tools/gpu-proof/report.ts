import { table } from "../bench/markdown.ts";
import { quantile } from "../bench/statistics.ts";
import type { PartResults, ProofResults } from "./results.ts";

/** Writes a proof as Markdown, from the measurements only. Everything that was not measured is a dash. */
export function proofReport({ machine, parts, left }: ProofResults): string {
  const { gpu, memory, driver, processor, torch, date } = machine;
  const unfinished = parts.filter(({ state, problem }) => state !== "done" || problem !== null);
  return [
    "## Float16 on a GPU",
    `Milliseconds are medians of a few runs in a process of its own, after two runs that were not timed. Weights are random, and
few blocks were run, so a whole model takes longer. PyTorch has the same weights and inputs; PyTorch / ours is above 1
where ours is faster.`,
    "### A computed step",
    computedTable(parts),
    "### Reused steps, and a segment in one run",
    reusedTable(parts),
    `One by one, the residual comes to the host once and goes back at every reused step. In a segment it stays on the device.
Segment / one by one is below 1 where the segment is faster.`,
    "### Differences",
    differenceTable(parts),
    "Largest absolute difference divided by the largest value.",
    "### How it was measured",
    [
      `Command: \`gpu-proof/run.sh\`, ${date}.`,
      `Machine: ${gpu}, ${(memory / 1024).toFixed(0)} GiB, driver ${driver}; ${processor}.`,
      typeof torch === "string"
        ? `PyTorch was not timed: ${torch}`
        : `PyTorch ${torch.version} with CUDA ${torch.cuda}, whose CUDA libraries onnxruntime uses too.`,
      ...unfinished.map(({ id, state, problem }) => `${id}: ${problem ?? state}.`.replace("..", ".")),
      ...(left.length > 0 ? [`No time was left for ${left.join(", ")}.`] : []),
    ]
      .map((line) => `- ${line}`)
      .join("\n"),
  ].join("\n\n");
}

const SIXTEEN = ["float16", "bfloat16", "compiled float16"];

function computedTable(parts: readonly PartResults[]): string {
  return table(
    [
      "Model",
      "Timed",
      "Ours float32, ms",
      "Ours float16, ms",
      "PyTorch float32, ms",
      "PyTorch, fastest 16 bit, ms",
      "PyTorch / ours, 16 bit",
      "Memory of ours, MiB",
      "Memory of PyTorch, MiB",
    ],
    parts.map((part) => {
      const ours = timeOf(part, "computed", "float16");
      const theirs = SIXTEEN.map((form) => ({ form, time: timeOf(part, "PyTorch", form) }))
        .filter(({ time }) => time !== null)
        .toSorted((a, b) => a.time! - b.time!)[0];
      return [
        part.family,
        part.extent,
        told(timeOf(part, "computed", "float32")),
        told(ours),
        told(timeOf(part, "PyTorch", "float32")),
        theirs ? `${told(theirs.time)} (${theirs.form})` : "–",
        ratio(theirs?.time ?? null, ours),
        memoryOf(part, "computed", "float16"),
        theirs ? memoryOf(part, "PyTorch", theirs.form) : "–",
      ];
    }),
    [0, 1],
  );
}

function reusedTable(parts: readonly PartResults[]): string {
  return table(
    [
      "Model",
      "Timed",
      "Precision",
      "Computed, ms",
      "Reused, ms",
      "Steps",
      "One by one, ms",
      "Segment / one by one",
    ],
    parts.flatMap((part) =>
      ["float32", "float16"].flatMap((precision) => {
        const segment = part.timed.find(
          (timed) => timed.what.startsWith("segment") && timed.precision === precision,
        );
        if (!segment) return [];
        const steps = segment.what.replace("segment, ", "");
        const single = timeOf(part, `one by one, ${steps}`, precision);
        return [
          [
            part.family,
            part.extent,
            precision,
            told(timeOf(part, "computed, residual fetched", precision)),
            told(timeOf(part, "reused", precision)),
            steps,
            told(single),
            ratio(quantile(segment.runs, 0.5), single),
          ],
        ];
      }),
    ),
    [0, 1, 2, 5],
  );
}

function differenceTable(parts: readonly PartResults[]): string {
  return table(
    ["Model", "Timed", "Compared", "Difference"],
    parts.flatMap((part) =>
      part.checked.map(({ what, difference }) => [
        part.family,
        part.extent,
        what,
        difference.toExponential(1),
      ]),
    ),
    [0, 1, 2],
  );
}

/** Returns the median milliseconds; null if they were not measured. */
function timeOf({ timed }: PartResults, what: string, precision: string): number | null {
  const found = timed.find((one) => one.what === what && one.precision === precision);
  return found ? quantile(found.runs, 0.5) : null;
}

function memoryOf({ timed }: PartResults, what: string, precision: string): string {
  return timed.find((one) => one.what === what && one.precision === precision)?.memory?.toFixed(0) ?? "–";
}

function told(milliseconds: number | null): string {
  return milliseconds === null ? "–" : milliseconds.toFixed(milliseconds < 10 ? 2 : 1);
}

function ratio(numerator: number | null, denominator: number | null): string {
  return numerator === null || denominator === null ? "–" : (numerator / denominator).toFixed(2);
}
