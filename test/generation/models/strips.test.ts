import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latentDecoder } from "../../../lib/generation/models/index.ts";
import type { DecoderRun, LatentDecoder } from "../../../lib/generation/models/latent-decoder.ts";
import { type Strip, stripsOf } from "../../../lib/generation/models/strips.ts";
import { gaussianNoise } from "../../../lib/generation/sampling/index.ts";
import { float32, readGolden, relativeError } from "./golden.ts";
import { decodeLatent } from "./video-decoding.ts";

// Worst error measured: 2.4e-6. Sums of other lengths are added in another order.
const TOLERANCE = 1e-5;

const first = { frames: 1, isContinued: true };
const later = (frames: number) => ({ frames, continues: true, isContinued: true });

/** Returns the runs of a decoder that makes features and then strips, each in the given runs over time. */
function inStrips(strips: readonly Strip[], runs: readonly DecoderRun[]): DecoderRun[] {
  const passes = [{ makesFeatures: true }, ...strips.map((strip) => ({ takesFeatures: true, strip }))];
  return passes.flatMap((pass) => runs.map((run) => ({ ...run, ...pass })));
}

/** Cuts `whole` elements at the given places. */
function stripsAt(axis: Strip["axis"], whole: number, cuts: readonly number[]): Strip[] {
  const edges = [0, ...cuts, whole];
  return edges.slice(1).map((end, i) => ({ axis, first: edges[i]!, count: end - edges[i]! }));
}

describe.each(["autoencoder-kl-wan", "autoencoder-kl-wan-residual"])("the strips of %s", async (name) => {
  const { config, weights } = await readGolden(name);
  const decoder: LatentDecoder = latentDecoder({ className: "AutoencoderKLWan", config });

  /** Returns the error of the pictures of strips, relative to those of a whole run. */
  async function errorOf(extent: readonly [number, number, number], runs: readonly DecoderRun[]) {
    const [frames, height, width] = extent;
    const shape = [frames, decoder.channels, height, width];
    const latent = float32(gaussianNoise(5, frames * decoder.channels * height * width), shape);
    const whole = await decodeLatent(decoder, latent, { weights, runs: [{ frames }] });
    const pictures = await decodeLatent(decoder, latent, { weights, runs });
    expect(pictures.shape).toEqual(whole.shape);
    return relativeError(pictures, whole.data as Float32Array);
  }

  it.each([
    ["columns, one of them alone", "width", [3, 2, 43], [1, 22], [{ frames: 3 }]],
    ["rows whose margins end within the picture", "height", [2, 45, 2], [12, 13, 31], [{ frames: 2 }]],
    ["columns of a video in runs", "width", [3, 2, 30], [13], [first, later(1), later(1)]],
    ["one strip that is the whole picture", "height", [2, 3, 2], [], [{ frames: 2 }]],
  ] as const)("the strips of a Wan decoder give the pictures of a whole run: %s", async (...given) => {
    const [, axis, extent, cuts, runs] = given;
    const whole = axis === "height" ? extent[1] : extent[2];
    expect(await errorOf(extent, inStrips(stripsAt(axis, whole, cuts), runs))).toBeLessThan(TOLERANCE);
  });

  it("a Wan decoder's strips give the pictures of a whole run wherever a picture is cut", async () => {
    const cut = fc.record({
      axis: fc.constantFrom("height" as const, "width" as const),
      whole: fc.integer({ min: 2, max: 40 }),
      cuts: fc.uniqueArray(fc.integer({ min: 1, max: 39 }), { minLength: 1, maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(cut, async ({ axis, whole, cuts }) => {
        const sorted = cuts.filter((at) => at < whole).toSorted((a, b) => a - b);
        const extent = axis === "height" ? ([2, whole, 2] as const) : ([2, 2, whole] as const);
        const runs = inStrips(stripsAt(axis, whole, sorted), [{ frames: 2 }]);
        expect(await errorOf(extent, runs)).toBeLessThan(TOLERANCE);
      }),
      { numRuns: 6 },
    );
  });
});

describe("the strips of a picture", () => {
  const edge = fc.integer({ min: 1, max: 400 });

  it("strips follow one another along the longer edge, differ by one element at most, and are wider than their margin", () => {
    fc.assert(
      fc.property(edge, edge, fc.integer({ min: 1, max: 30 }), (height, width, margin) => {
        const strips = stripsOf({ height, width }, margin);
        const counts = strips.map(({ count }) => count);
        let end = 0;
        for (const { axis, first, count } of strips) {
          expect(axis).toBe(height > width ? "height" : "width");
          expect(first).toBe(end);
          end += count;
        }
        expect(end).toBe(Math.max(height, width));
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        if (strips.length > 1) expect(Math.min(...counts)).toBeGreaterThan(margin);
      }),
    );
  });

  it("a small picture is one strip", () => {
    expect(stripsOf({ height: 30, width: 51 }, 13)).toEqual([{ axis: "width", first: 0, count: 51 }]);
    expect(stripsOf({ height: 60, width: 104 }, 13).map(({ count }) => count)).toEqual([35, 34, 35]);
  });
});
