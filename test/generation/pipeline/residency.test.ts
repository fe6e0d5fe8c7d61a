import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  leastBytes,
  mayStay,
  type PartMemory,
  type ResidentPart,
  residencyFor,
  UNKNOWN_MEMORY,
  wholeBytes,
} from "../../../lib/generation/pipeline/model/residency.ts";

const memory = (part: ResidentPart, heldBytes: number, mappedBytes = 0): PartMemory => ({
  part,
  heldBytes,
  mappedBytes,
});

const two = [
  memory("text_encoder", 11),
  memory("image_encoder", 3),
  memory("transformer", 28),
  memory("transformer_2", 28),
  memory("decoder", 8),
];

describe("what stays open", () => {
  test.each([
    [78, 78, 0],
    [77, 64, 1],
    [63, 56, 2],
    [55, 28, 3],
    [10, 28, 3],
  ])("a memory of %i takes a peak of %i, after %i kinds of release", (bytes, peak, count) => {
    const { peakBytes, releases } = residencyFor(two, bytes);
    expect({ peakBytes, count: releases.length }).toEqual({ peakBytes: peak, count });
  });

  test("the parts at the peak are named", () => {
    expect(residencyFor(two, 64).peakParts).toEqual(["transformer", "transformer_2", "decoder"]);
  });

  test("one transformer takes no turns", () => {
    const one = two.filter(({ part }) => part !== "transformer_2");
    expect(residencyFor(one, 0)).toMatchObject({ peakBytes: 28 });
    expect(residencyFor(one, 0).releases).toEqual([
      "the encoders are released before denoising",
      "the decoder is opened after the transformers are released",
    ]);
  });

  test("mapped weights count for the part that runs alone", () => {
    const parts = [memory("transformer", 2, 50), memory("decoder", 8, 20)];
    expect(wholeBytes(parts)).toBe(60);
    expect(leastBytes(parts)).toBe(52);
  });

  test("an unknown memory holds one of two transformers and everything else", () => {
    expect(mayStay(UNKNOWN_MEMORY, "transformer", "transformer_2")).toBe(false);
    for (const part of ["text_encoder", "image_encoder", "decoder"] as const) {
      expect(mayStay(UNKNOWN_MEMORY, part, "transformer")).toBe(true);
      expect(mayStay(UNKNOWN_MEMORY, part, "transformer_2")).toBe(true);
    }
  });
});

test("more memory never releases more, and the peak fits wherever the least does", () => {
  const bytes = fc.nat(100);
  const parts = fc
    .tuple(bytes, bytes, bytes, bytes, bytes)
    .map((sizes) => two.map(({ part }, index) => memory(part, sizes[index]!, sizes[(index + 1) % 5])));
  fc.assert(
    fc.property(parts, fc.nat(600), fc.nat(600), (model, a, b) => {
      const [less, more] = [Math.min(a, b), Math.max(a, b)];
      const [tight, wide] = [residencyFor(model, less), residencyFor(model, more)];
      expect(wide.releases.length).toBeLessThanOrEqual(tight.releases.length);
      expect(leastBytes(model)).toBeLessThanOrEqual(wholeBytes(model));
      if (leastBytes(model) <= less) expect(tight.peakBytes).toBeLessThanOrEqual(less);
      if (wholeBytes(model) <= more) expect(wide.releases).toEqual([]);
    }),
  );
});
