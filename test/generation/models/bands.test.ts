import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Bands, bandNorm, convolved, enlarged, whole } from "../../../lib/generation/models/bands.ts";
import {
  conv2d,
  groupNorm,
  slice,
  upsampleNearest2x,
  type Value,
} from "../../../lib/generation/onnx/index.ts";
import { gaussianNoise } from "../../../lib/generation/sampling/index.ts";
import { size as elementCount, runGraph } from "../onnx/run-graph.ts";
import { relativeError } from "./golden.ts";

const [B, C, W] = [2, 4, 3];

/** Cuts x into bands of at most `rows` rows. */
function bandsOf(x: Value, rows: number): Bands {
  const height = x.shape.at(-2)!;
  return Array.from({ length: Math.ceil(height / rows) }, (_, i) =>
    slice(x, -2, i * rows, Math.min(height, (i + 1) * rows)),
  ) as unknown as Bands;
}

/** Returns the error of a layer in bands, relative to the layer on the whole tensor. */
async function errorOf(
  height: number,
  layer: (x: Value, constants: Constants) => { inBands: Value; whole: Value },
): Promise<number> {
  const shape = [B, C, height, W];
  const data = gaussianNoise(7, B * C * height * W).map((value) => 3 + 2 * value);
  const { outputs } = await runGraph({ x: { dtype: "float32", shape, data } }, ({ x }) => {
    const constant = (seed: number, size: number[]) =>
      x.graph.constant(gaussianNoise(seed, elementCount(size)), size);
    const made = layer(x, {
      weight: constant(1, [C, C, 3, 3]),
      bias: constant(2, [C]),
      scale: constant(3, [C]),
    });
    return [made.inBands, made.whole];
  });
  return relativeError(outputs[0], outputs[1]!.data as Float32Array);
}

interface Constants {
  readonly weight: Value;
  readonly bias: Value;
  readonly scale: Value;
}

describe("bands", () => {
  const heights = fc.integer({ min: 1, max: 12 });
  const rows = fc.integer({ min: 1, max: 13 });
  const property = (check: (height: number, count: number) => Promise<void>) =>
    fc.assert(fc.asyncProperty(heights, rows, check), { numRuns: 15 });

  it("a convolution of bands is that of the whole, whatever rows a band has", () =>
    property(async (height, count) => {
      const error = await errorOf(height, (x, { weight, bias }) => ({
        inBands: whole(
          convolved(bandsOf(x, count), {
            before: (y) => y,
            convolve: (y, pads) => conv2d(y, weight, bias, { pads: [pads, 1] }),
          }),
        ),
        whole: conv2d(x, weight, bias, { pads: 1 }),
      }));
      expect(error).toBeLessThan(1e-6);
    }));

  it("bands that are enlarged and cut again are the whole enlarged, whatever size the new bands have", () =>
    fc.assert(
      fc.asyncProperty(heights, rows, fc.integer({ min: 1, max: 700 }), async (height, count, elements) => {
        const error = await errorOf(height, (x, { weight, bias }) => {
          const convolve = (y: Value, pads: readonly [number, number]) =>
            conv2d(y, weight, bias, { pads: [pads, 1] });
          const bands = enlarged(bandsOf(x, count), { before: upsampleNearest2x, convolve }, elements);
          const row = B * C * 2 * W;
          for (const { shape } of bands) expect(shape.at(-2)! * row).toBeLessThan(elements + row + 1);
          return { inBands: whole(bands), whole: convolve(upsampleNearest2x(x), [1, 1]) };
        });
        expect(error).toBeLessThan(1e-6);
      }),
      { numRuns: 15 },
    ));

  it("the normalisation of bands is by the statistics of all", () =>
    property(async (height, count) => {
      const error = await errorOf(height, (x, { bias, scale }) => {
        const bands = bandsOf(x, count);
        const normal = bandNorm(bands, 2, { weight: scale, bias, eps: 1e-6 });
        return {
          inBands: whole(bands.map(normal) as unknown as Bands),
          whole: groupNorm(x, 2, scale, bias, 1e-6),
        };
      });
      expect(error).toBeLessThan(3e-6);
    }));
});
