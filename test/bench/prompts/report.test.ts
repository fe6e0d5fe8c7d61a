import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { withPromptSection, writePromptSection } from "../../../tools/bench/prompts/card.ts";
import {
  type CheckedPrompt,
  promptReport,
  reportMarkdown,
  wilson,
} from "../../../tools/bench/prompts/report.ts";
import { contactSheet } from "../../../tools/bench/prompts/sheet.ts";

const expected = {
  shape: "ring",
  colour: "red",
  background: "blue",
  backgroundIsSaid: true,
  motion: "slow",
  direction: "left",
} as const;
const observed = { ...expected, overlap: 0.9, isMoving: true };
const right: CheckedPrompt = { prompt: "right", seed: 1, expected, observed };
const mirrored: CheckedPrompt = {
  prompt: "mirrored",
  seed: 2,
  expected,
  observed: { ...observed, direction: "right", shape: "circle" },
};
const nothing: CheckedPrompt = {
  prompt: "nothing",
  seed: 3,
  expected: { ...expected, motion: "spin", direction: null },
  observed: {
    background: "blue",
    colour: null,
    shape: null,
    overlap: 0,
    motion: null,
    isMoving: null,
    direction: null,
  },
};

describe("the report", () => {
  const report = promptReport([right, mirrored, nothing]);
  const score = (name: string) => report.scores.find(({ attribute }) => attribute === name)!;

  test("the report counts an attribute over the prompts that mention it", () => {
    expect(score("direction of travel")).toMatchObject({ n: 2, right: 1, share: 0.5, aim: 0.98 });
    expect(score("object colour")).toMatchObject({ n: 3, right: 2 });
    expect(score("background colour")).toMatchObject({ n: 3, right: 3 });
    expect(score("motion: slow")).toMatchObject({ n: 2, right: 2 });
    expect(score("motion: spin")).toMatchObject({ n: 1, right: 0 });
    expect(score("motion: grow").n).toBe(0);
  });

  test("the report counts a shape on its own too", () => {
    expect(score("shape: ring")).toMatchObject({ n: 3, right: 1, aim: 0.95 });
    expect(score("shape: cross").n).toBe(0);
  });

  test("a prompt without a background counts as right if there is an object", () => {
    const bare = (checked: CheckedPrompt) => ({
      ...checked,
      expected: { ...checked.expected, backgroundIsSaid: false },
    });
    const { scores } = promptReport([bare(right), bare(mirrored), bare(nothing), right]);
    expect(scores.find(({ attribute }) => attribute.startsWith("object is there"))).toMatchObject({
      n: 3,
      right: 2,
    });
  });

  test("any colour is right where the prompt names none", () => {
    const { scores } = promptReport([{ ...right, expected: { ...expected, colour: null } }]);
    expect(scores.find(({ attribute }) => attribute === "object colour")!.n).toBe(0);
  });

  test("a missing object is scored as wrong, even where it should stand still", () => {
    const still = { ...nothing, expected: { ...nothing.expected, motion: "still" } } as const;
    const { scores } = promptReport([still]);
    expect(scores.find(({ attribute }) => attribute === "motion: still")).toMatchObject({ n: 1, right: 0 });
  });

  test("the report names what was wrong with each prompt that failed", () => {
    expect(report.failed.map(({ prompt, wrong }) => [prompt, wrong])).toEqual([
      ["mirrored", ["direction of travel", "shape", "shape: ring"]],
      ["nothing", ["object colour", "shape", "shape: ring", "motion: spin"]],
    ]);
  });

  test("the report has a confusion matrix for each attribute", () => {
    const shape = report.confusions.find(({ attribute }) => attribute === "shape")!;
    const ring = shape.counts[shape.expected.indexOf("ring")]!;
    const seen = Object.fromEntries(shape.observed.map((value, i) => [value, ring[i]]));
    expect(seen).toEqual({ circle: 1, square: 0, triangle: 0, ring: 1, cross: 0, none: 1 });
  });

  test("the report has a row for each attribute that was measured, with its aim", () => {
    const lines = reportMarkdown(report).split("\n");
    expect(lines).toContain("| direction of travel | 1 | 2 | 50.0 % | 9.5 % to 90.5 % | 98 %, missed |");
    expect(lines.some((line) => line.startsWith("| motion: grow"))).toBe(false);
  });
});

describe("Wilson's interval", () => {
  // Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])("Wilson's interval of %i out of %i is as published", (count, n, low, high) => {
    const [from, to] = wilson(count, n);
    expect(from).toBeCloseTo(low, 4);
    expect(to).toBeCloseTo(high, 4);
  });

  test("Wilson's interval of 0 out of 0 is from 0 to 1", () => {
    expect(wilson(0, 0)).toEqual([0, 1]);
  });
});

describe("the model card", () => {
  test("the model card gets the section at its end, and the next one in its place", () => {
    const first = withPromptSection("# Card\n\nWords.\n", "one");
    expect(first).toMatch(
      /^# Card\n\nWords\.\n\n## .+\n\n<!-- prompts:start -->\none\n<!-- prompts:end -->\n$/,
    );
    expect(withPromptSection(`${first}\nAfter.\n`, "two $&")).toBe(
      `${first.replace("one", () => "two $&")}\nAfter.\n`,
    );
  });

  test("the model card is updated where it exists, and not created where it does not", async () => {
    const folder = await mkdtemp(join(tmpdir(), "card-"));
    try {
      const card = join(folder, "README.md");
      expect(await writePromptSection(card, "scores")).toBe(false);
      await writeFile(card, "# Card\n");
      expect(await writePromptSection(card, "scores")).toBe(true);
      expect(await readFile(card, "utf8")).toContain("scores");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test("the contact sheet shows a video's first and last frame at the ends of its strip", () => {
  // The value of each pixel is the frame's number.
  const rgb = Uint8Array.from({ length: 16 * 2 * 2 * 3 }, (_, i) => Math.floor(i / 12));
  const sheet = contactSheet(Array.from({ length: 4 }, () => ({ width: 2, height: 2, count: 16, rgb })));
  expect(sheet).toMatchObject({ width: 3 * 16 + 4, height: 2 * 6 + 4, count: 1 });
  const redAt = (x: number, y: number) => sheet.rgb[(y * sheet.width + x) * 3];
  expect([redAt(0, 0), redAt(4, 4), redAt(15, 5), redAt(16, 4)]).toEqual([255, 0, 15, 255]);
  expect([redAt(20, 4), redAt(4, 10), redAt(20, 10)]).toEqual([0, 0, 255]);
});
