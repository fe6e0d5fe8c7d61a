/**
 * AdaCache compared with the authors' own code: 241 recorded generations made by tools/golden/adacache_schedule.py,
 * whose header explains the recording and the treatment of ties. Changes and motion scores are computed here from the
 * recorded probes, in float64, as a pipeline would; the authors' are float32. Computed steps and rates must be equal,
 * distances within 1e-5 relative.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { adacache } from "../../../lib/generation/caching/adacache.ts";
import type { Codebook } from "../../../lib/generation/caching/codebook.ts";
import { createPolicy } from "../../../lib/generation/caching/index.ts";
import { motionFor } from "../../../lib/generation/caching/motion.ts";
import { type Measurement, replay } from "./replay.ts";

interface Schedule {
  computed: number[];
  /** [distance, motion factor, rate] of every computed step but the first. */
  decisions: [number | null, number | null, number][];
}

interface Case extends Schedule {
  kind: string;
  steps: number;
  book: string;
  motion: { window: [number, number]; strides: number[] } | null;
  frames: number;
  tokens: number;
  dtype: "int8" | "float32";
  probes: string;
  /** Schedule of the authors' code for the same probes, where it differs. */
  authors?: Schedule;
}

const file = new URL("../../golden/caching/adacache-schedule.json", import.meta.url);
const golden: { books: Record<string, [number, number][]>; cases: Case[] } = JSON.parse(
  readFileSync(file, "utf8"),
);

function codebookOf(name: string): Codebook {
  const rows = golden.books[name]!;
  return rows.map(([below, rate], index) => ({ below: index === rows.length - 1 ? null : below, rate }));
}

/** Returns the probes of the computed steps, each [B=2, F*S, D]. */
function probesOf({ probes, dtype, computed }: Case): (Int8Array | Float32Array)[] {
  const bytes = new Uint8Array(Buffer.from(probes, "base64"));
  const values = dtype === "int8" ? new Int8Array(bytes.buffer) : new Float32Array(bytes.buffer);
  const size = values.length / computed.length;
  return computed.map((_, index) => values.subarray(index * size, (index + 1) * size));
}

function relativeChange(previous: ArrayLike<number>, current: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let index = 0; index < previous.length; index++) {
    difference += Math.abs(previous[index]! - current[index]!);
    norm += Math.abs(previous[index]!);
  }
  return difference / norm;
}

/** Returns the difference of frames `stride` apart over the sum of their norms, both guidance halves together. */
function motionScoreOf(probe: ArrayLike<number>, frames: number, stride: number): number {
  const half = probe.length / 2;
  const offset = (half / frames) * stride;
  let difference = 0;
  let norm = 0;
  for (let start = 0; start < probe.length; start += half) {
    for (let index = start; index < start + half - offset; index++) {
      difference += Math.abs(probe[index + offset]! - probe[index]!);
      norm += Math.abs(probe[index + offset]!) + Math.abs(probe[index]!);
    }
  }
  return difference / norm;
}

function replayCase(golden: Case) {
  const { steps, motion, frames, computed } = golden;
  const policy = createPolicy(adacache, {
    codebook: [...codebookOf(golden.book)],
    motion: motion && {
      ...motionFor(steps),
      window: { from: motion.window[0], to: motion.window[1], of: steps },
    },
  });
  const probes = probesOf(golden);
  let previous: ArrayLike<number> | null = null;
  const measure = (step: number): Measurement => {
    const probe = probes[computed.indexOf(step + 1)];
    if (probe === undefined) throw new Error(`the authors reused step ${step + 1}`);
    const change = previous && relativeChange(previous, probe);
    previous = probe;
    if (frames === 1) return { change, motionScore: null };
    const strides = motion?.strides ?? [1];
    const scores = strides.map((stride) => motionScoreOf(probe, frames, stride));
    return { change, motionScore: scores.reduce((sum, score) => sum + score, 0) / scores.length };
  };
  return replay(policy, steps, measure);
}

/** Returns the largest relative difference between our numbers and theirs, over the steps that they measured. */
function largestError(ours: (number | null)[], theirs: (number | null)[]): number {
  const errors = theirs.map((value, index) =>
    value === null || value === ours[index] ? 0 : Math.abs(ours[index]! / value - 1),
  );
  return Math.max(0, ...errors);
}

describe("AdaCache agrees with the authors' code", () => {
  const titleOf = ({ kind, steps, book, motion }: Case) =>
    `${kind}, ${steps} steps, ${book}, motion ${motion === null ? "off" : `in steps ${motion.window.join("-")}`}`;

  test.each([...new Set(golden.cases.map(titleOf))])("the schedule equals the authors' for %s", (title) => {
    const cases = golden.cases.filter((each) => titleOf(each) === title);
    for (const each of cases) {
      const { computed, decisions } = replayCase(each);
      expect(computed).toEqual(each.computed);
      const measured = decisions.slice(1);
      expect(measured.map(({ rate }) => rate ?? 1)).toEqual(each.decisions.map(([, , rate]) => rate));
      const distances = each.decisions.map(([distance]) => distance);
      expect(
        largestError(
          measured.map(({ distance }) => distance),
          distances,
        ),
      ).toBeLessThan(1e-5);
      const factors = each.decisions.map(([, factor]) => factor);
      expect(
        largestError(
          measured.map(({ motionFactor }) => motionFactor),
          factors,
        ),
      ).toBeLessThan(1e-5);
    }
  });

  test("the golden vectors hold at least 200 sequences, with ties at thresholds that go to the row above", () => {
    expect(golden.cases.length).toBeGreaterThanOrEqual(200);
    const tie = golden.cases.filter(({ kind }) => kind === "tie");
    const hits = tie.flatMap(({ book, decisions }) =>
      decisions.filter(([distance]) => codebookOf(book).some(({ below }) => below === distance)),
    );
    expect(hits.length).toBeGreaterThan(50);
  });
});

describe("AdaCache leaves out the authors' accidents", () => {
  const withAuthors = (kind: string) => golden.cases.filter((each) => each.kind === kind);

  test("the authors' prev_moreg leaks from one video into the next; our policy keeps no memory of another video", () => {
    const cases = withAuthors("after another video");
    expect(cases).not.toHaveLength(0);
    for (const each of cases) {
      expect(each.authors!.decisions[0]![1]).not.toBe(1);
      expect(replayCase(each).decisions[1]!.motionFactor).toBe(1);
    }
    expect(cases.some(({ authors, computed }) => `${authors!.computed}` !== `${computed}`)).toBe(true);
  });

  test("the authors' step counter survives a cancelled video and skips steps of the next; ours starts at step 1", () => {
    const cases = withAuthors("after a cancelled video");
    expect(cases).not.toHaveLength(0);
    for (const each of cases) {
      const forced = [1, each.steps - 1, each.steps];
      expect(forced.every((step) => each.authors!.computed.includes(step))).toBe(false);
      expect(replayCase(each).computed).toEqual(expect.arrayContaining(forced));
    }
  });

  test("the authors' motion score of one frame is 0 / 0 and gives the last rate; ours is the schedule without motion", () => {
    const cases = withAuthors("single frame");
    expect(cases).not.toHaveLength(0);
    for (const each of cases) {
      const lost = each.authors!.decisions.filter(([distance]) => distance === null);
      const lastRate = codebookOf(each.book).at(-1)!.rate;
      expect(lost.length).toBeGreaterThan(0);
      expect(lost.every(([, , rate]) => rate === lastRate)).toBe(true);
      const motion = { window: [1, each.steps] as [number, number], strides: [1] };
      expect(replayCase({ ...each, motion }).computed).toEqual(each.computed);
    }
  });
});
