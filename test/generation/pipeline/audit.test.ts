import { describe, expect, it } from "vitest";
import type { ErrorTable } from "../../../lib/generation/caching/index.ts";
import { Audits } from "../../../lib/generation/pipeline/audit.ts";

const table = {
  levels: [1, 0],
  residual: [
    [1, 0],
    [0, 1],
  ],
  clean: [
    [1, 0],
    [0, 1],
  ],
  cleanSquare: 1,
  amplification: [1, 1],
  ladders: [{ steps: 30, rungs: [{ budget: 30, psnr: [40, 50], computed: 10 }] }],
} satisfies ErrorTable;

/** Adds audits of a model whose videos all have `truth` dB; predictions are those of the table as it is by then. */
function audited(count: number, truth: number): Audits {
  const audits = new Audits();
  for (let i = 0; i < count; i++) audits.add(truth, audits.correct(table)!.ladders[0]!.rungs[0]!.psnr[0]!);
  return audits;
}

const least = (audits: Audits) => audits.correct(table)!.ladders[0]!.rungs[0]!.psnr[0]!;

describe("audits", () => {
  it("audits shift the table by the error of its own predictions, and few of them by a part of it", () => {
    expect(least(audited(0, 34))).toBe(40);
    expect(least(audited(4, 34))).toBeCloseTo(37, 9);
    expect(least(audited(396, 34))).toBeCloseTo(40 - 6 * 0.99, 9);
  });

  it("a correction is at most 10 dB, and identical videos correct nothing", () => {
    expect(least(audited(1000, 0))).toBe(30);
    expect(least(audited(10, 100))).toBe(40);
  });

  it("the corrected table stays the same object until the next audit, so that its plan is made once", () => {
    const audits = audited(2, 34);
    const corrected = audits.correct(table);
    expect(audits.correct(table)).toBe(corrected);
    audits.add(34, 40);
    expect(audits.correct(table)).not.toBe(corrected);
    expect(audits.correct(null)).toBeNull();
  });
});
