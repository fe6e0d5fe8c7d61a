import fc from "fast-check";
import { expect, test } from "vitest";
import { drawPreview, type LinearMap } from "../../../lib/generation/preview/index.ts";
import { gaussianNoise } from "../../../lib/generation/sampling/index.ts";

/** Returns a map with weights of noise. */
function mapOf({ channels, reach, pixels }: Pick<LinearMap, "channels" | "reach" | "pixels">): LinearMap {
  const [rows, columns] = [pixels * pixels * 3, (2 * reach + 1) ** 2 * channels];
  const weights = gaussianNoise(9, rows * columns);
  return {
    channels,
    reach,
    pixels,
    matrix: Array.from({ length: rows }, (_, row) => [...weights.slice(row * columns, (row + 1) * columns)]),
    offset: Array.from({ length: rows }, (_, row) => 100 + row),
  };
}

/** Returns one colour of a preview before it is rounded, from the definition. */
function colourOf(
  map: LinearMap,
  clean: (channel: number, frame: number, y: number, x: number) => number,
  { frame, y, x, color }: { frame: number; y: number; x: number; color: number },
): number {
  const { channels, reach, pixels } = map;
  const row = ((y % pixels) * pixels + (x % pixels)) * 3 + color;
  let [sum, column] = [map.offset[row]!, 0];
  for (let dy = -reach; dy <= reach; dy++)
    for (let dx = -reach; dx <= reach; dx++)
      for (let c = 0; c < channels; c++)
        sum +=
          map.matrix[row]![column++]! *
          clean(c, frame, Math.floor(y / pixels) + dy, Math.floor(x / pixels) + dx);
  return sum;
}

test("a preview is the map of the clean latent, beyond whose edges the values at them are repeated", () => {
  const shapes = fc.record({
    channels: fc.integer({ min: 1, max: 3 }),
    reach: fc.integer({ min: 0, max: 2 }),
    pixels: fc.constantFrom(1, 2),
    frames: fc.integer({ min: 1, max: 8 }),
    height: fc.integer({ min: 1, max: 5 }),
    width: fc.integer({ min: 1, max: 5 }),
    given: fc.constantFrom(0, 1),
  });
  fc.assert(
    fc.property(shapes, ({ channels, reach, pixels, ...shape }) => {
      const { frames, height, width, given } = shape;
      const map = mapOf({ channels, reach, pixels });
      const length = channels * frames * height * width;
      const [latent, prediction] = [gaussianNoise(1, length), gaussianNoise(2, length)];
      const preview = drawPreview(
        map,
        { latent, prediction, kept: 0.7, added: -1.3 },
        { channels, ...shape, seconds: 2 },
        5,
      );
      expect(preview).toMatchObject({
        step: 5,
        width: width * pixels,
        height: height * pixels,
        frames,
        seconds: 2,
      });
      const clean = (c: number, f: number, y: number, x: number) => {
        const [row, column] = [Math.min(height - 1, Math.max(0, y)), Math.min(width - 1, Math.max(0, x))];
        const at = ((c * frames + f) * height + row) * width + column;
        return f < given ? latent[at]! : 0.7 * latent[at]! - 1.3 * prediction[at]!;
      };
      for (const [i, value] of preview.rgb.entries()) {
        const pixel = Math.floor(i / 3);
        const [x, line] = [pixel % preview.width, Math.floor(pixel / preview.width)];
        const place = { frame: Math.floor(line / preview.height), y: line % preview.height, x, color: i % 3 };
        expect(Math.abs(value - Math.min(255, Math.max(0, colourOf(map, clean, place))))).toBeLessThan(0.51);
      }
    }),
    { numRuns: 60 },
  );
});

test("a long video has eight frames in its preview, the first and the last among them", () => {
  const map = { channels: 1, reach: 0, pixels: 1, matrix: [[1], [0], [0]], offset: [0, 0, 0] };
  const latent = Float32Array.from({ length: 21 }, (_, frame) => frame);
  const estimate = { latent, prediction: latent, kept: 1, added: 0 };
  const shape = { channels: 1, frames: 21, height: 1, width: 1, seconds: 5 };
  const { frames, rgb } = drawPreview(map, estimate, shape, 1);
  expect(frames).toBe(8);
  expect(rgb.filter((_, i) => i % 3 === 0)).toEqual(Uint8Array.of(0, 3, 6, 9, 11, 14, 17, 20));
});

test("a large latent is averaged to a preview of at most 160 pixels a side", () => {
  const map = { channels: 1, reach: 0, pixels: 1, matrix: [[1], [1], [1]], offset: [0, 0, 0] };
  const [width, height] = [331, 3];
  const latent = Float32Array.from({ length: width * height }, (_, at) => (at % width < 3 ? 30 : 60));
  const shape = { channels: 1, frames: 1, height, width, seconds: 0.1 };
  const preview = drawPreview(map, { latent, prediction: latent, kept: 1, added: 0 }, shape, 1);
  expect([preview.width, preview.height]).toEqual([111, 1]);
  expect([...preview.rgb.slice(0, 6)]).toEqual([30, 30, 30, 60, 60, 60]);
});
