import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { framesPerRun } from "../../../lib/generation/models/latent-decoder.ts";

describe("frames per run", () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 4_000_000 }));

  it("the frames per run divide the frames, and hold at most the pixels of one run unless they are one", () => {
    fc.assert(
      fc.property(sizes, ([frames, pixels]) => {
        const count = framesPerRun(frames, pixels);
        expect(frames % count).toBe(0);
        expect(count === 1 || count * pixels <= 2 ** 19).toBe(true);
      }),
    );
  });

  it("a small video is decoded in one run", () => {
    expect(framesPerRun(16, 64 * 64)).toBe(16);
    expect(framesPerRun(51, 720 * 1280)).toBe(1);
  });
});
