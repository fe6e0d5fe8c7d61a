import type { Observation } from "./detect.ts";
import { type Direction, directions, type Motion } from "./motion.ts";
import type { Colour } from "./palette.ts";
import { type Shape, shapes } from "./shape.ts";

/** Attributes that a prompt asks for. */
export interface PromptAttributes {
  readonly shape: Shape;
  /** Null if the prompt names no colour: any is right. */
  readonly colour: Colour | null;
  readonly background: Colour;
  /** False if the prompt names no background; `background` is what that means. */
  readonly backgroundIsSaid: boolean;
  readonly motion: Motion;
  /** Direction of a slow or fast motion; null for other motions. */
  readonly direction: Direction | null;
}

/** Prompt, and what was detected in its video. */
export interface CheckedPrompt {
  readonly prompt: string;
  readonly seed: number;
  readonly expected: PromptAttributes;
  readonly observed: Observation;
}

export interface AttributeScore {
  readonly attribute: string;
  readonly n: number;
  readonly right: number;
  /** Share of correct videos, 0 to 1; NaN if n is 0. */
  readonly share: number;
  /** 95 % Wilson interval of the share. */
  readonly interval: readonly [number, number];
  /** Share that the demo model aims at; null if there is no goal. */
  readonly aim: number | null;
}

/** Number of videos by expected value (row) and detected value (column). */
export interface Confusion {
  readonly attribute: string;
  readonly expected: readonly string[];
  /** Columns: the expected values and "none", for videos in which nothing was detected. */
  readonly observed: readonly string[];
  readonly counts: readonly (readonly number[])[];
}

export interface PromptReport {
  readonly scores: readonly AttributeScore[];
  readonly confusions: readonly Confusion[];
  readonly failed: readonly (CheckedPrompt & { readonly wrong: readonly string[] })[];
}

type Pair = readonly [expected: string | boolean, observed: string | boolean | null];

interface Attribute {
  readonly name: string;
  readonly aim: number | null;
  /** Returns the expected and the detected value of an attribute; null for prompts that do not mention it. */
  readonly pair: (expected: PromptAttributes, observed: Observation) => Pair | null;
}

/** Every motion, with the share that is aimed at. */
const MOTIONS: readonly (readonly [Motion, number | null])[] = [
  ["still", null],
  ["slow", null],
  ["fast", null],
  ["bounce", null],
  ["spin", 0.85],
  ["grow", 0.85],
  ["shrink", 0.85],
];

const attributes: readonly Attribute[] = [
  { name: "object colour", aim: 0.98, pair: (e, o) => (e.colour === null ? null : [e.colour, o.colour]) },
  { name: "background colour", aim: 0.98, pair: (e, o) => [e.background, o.background] },
  {
    name: "object is there, without a background in the prompt",
    aim: 0.98,
    pair: (e, o) => (e.backgroundIsSaid ? null : [true, o.shape !== null]),
  },
  {
    name: "direction of travel",
    aim: 0.98,
    pair: (e, o) => (e.direction === null ? null : [e.direction, o.direction]),
  },
  { name: "shape", aim: 0.95, pair: (e, o) => [e.shape, o.shape] },
  ...shapes.map((shape) => ({
    name: `shape: ${shape}`,
    aim: 0.95,
    pair: (e: PromptAttributes, o: Observation): Pair | null => (e.shape === shape ? [shape, o.shape] : null),
  })),
  ...MOTIONS.map(([motion, aim]) => ({
    name: `motion: ${motion}`,
    aim,
    pair: (e: PromptAttributes, o: Observation): Pair | null =>
      e.motion === motion ? [motion, o.motion] : null,
  })),
];

/** Compares expected and detected attributes. */
export function promptReport(checked: readonly CheckedPrompt[]): PromptReport {
  const scores = attributes.map(({ name, aim, pair }) => {
    const pairs = checked.map(({ expected, observed }) => pair(expected, observed)).filter((p) => p !== null);
    const right = pairs.filter(([expected, observed]) => expected === observed).length;
    const n = pairs.length;
    return { attribute: name, n, right, share: right / n, interval: wilson(right, n), aim };
  });
  const failed = checked
    .map((prompt) => ({ ...prompt, wrong: wrongAttributes(prompt) }))
    .filter(({ wrong }) => wrong.length > 0);
  return {
    scores,
    confusions: [
      confusion("shape", shapes, checked, (a) => a.shape),
      confusion("direction", directions, checked, (a) => a.direction),
    ],
    failed,
  };
}

/**
 * Returns the 95 % Wilson interval of a share of `right` in `n`.
 *
 * @see Wilson, E. B. (1927), "Probable inference, the law of succession, and statistical inference"
 */
export function wilson(right: number, n: number): readonly [number, number] {
  if (n === 0) return [0, 1];
  const z = 1.959964;
  const share = right / n;
  const centre = share + z ** 2 / (2 * n);
  const half = z * Math.sqrt((share * (1 - share) + z ** 2 / (4 * n)) / n);
  const scale = 1 + z ** 2 / n;
  return [Math.max(0, (centre - half) / scale), Math.min(1, (centre + half) / scale)];
}

/** Formats the scores and confusion matrices as Markdown tables. */
export function reportMarkdown({ scores, confusions }: PromptReport): string {
  const rows = scores
    .filter(({ n }) => n > 0)
    .map(({ attribute, n, right, share, interval: [low, high], aim }) =>
      row([
        attribute,
        `${right}`,
        `${n}`,
        percent(share),
        `${percent(low)} to ${percent(high)}`,
        aim === null ? "" : `${percent(aim, 0)}${share >= aim ? "" : ", missed"}`,
      ]),
    );
  return [
    row(["attribute", "right", "of", "share", "95 % interval", "aim"]),
    row(["---", "---:", "---:", "---:", "---", "---"]),
    ...rows,
    ...confusions.flatMap(confusionTable),
  ].join("\n");
}

function confusionTable({ attribute, expected, observed, counts }: Confusion): string[] {
  return [
    "",
    row([`${attribute}: asked for, seen as`, ...observed]),
    row(["---", ...observed.map(() => "---:")]),
    ...expected.map((value, i) => row([value, ...counts[i]!.map((count) => (count ? `${count}` : ""))])),
  ];
}

function confusion(
  attribute: string,
  values: readonly string[],
  checked: readonly CheckedPrompt[],
  value: (attributes: PromptAttributes | Observation) => string | null,
): Confusion {
  const observed = [...values, "none"];
  const counts = values.map((row) =>
    observed.map(
      (column) =>
        checked.filter((c) => value(c.expected) === row && (value(c.observed) ?? "none") === column).length,
    ),
  );
  return { attribute, expected: values, observed, counts };
}

function wrongAttributes({ expected, observed }: CheckedPrompt): string[] {
  return attributes
    .filter(({ pair }) => {
      const compared = pair(expected, observed);
      return compared !== null && compared[0] !== compared[1];
    })
    .map(({ name }) => name);
}

function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
