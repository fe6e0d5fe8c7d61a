import fc from "fast-check";
import { expect, test } from "vitest";
import { pixelsFor } from "../../../lib/generation/preview/fit.ts";
import { drawPreview, type LinearMap, MapFit } from "../../../lib/generation/preview/index.ts";
import { gaussianNoise } from "../../../lib/generation/sampling/index.ts";
import type { Frames } from "../../../lib/generation/video/index.ts";

interface Made {
  readonly latent: Float32Array;
  readonly shape: { channels: number; frames: number; height: number; width: number; seconds: number };
  readonly video: Frames;
}

/** Decodes noise by a map of one position to `pixels` by `pixels` flat squares, so that nothing but rounding is lost. */
function decoded(map: LinearMap, { seed, latentFrames = 3 }: { seed: number; latentFrames?: number }): Made {
  const [height, width, size] = [10, 12, 2];
  const shape = { channels: map.channels, frames: latentFrames, height, width, seconds: 1 };
  const latent = gaussianNoise(seed, map.channels * latentFrames * height * width);
  const count = 1 + (latentFrames - 1) * 4;
  const edge = map.pixels * size;
  const rgb = new Uint8Array(count * height * edge * width * edge * 3);
  let at = 0;
  for (let f = 0; f < count; f++)
    for (let y = 0; y < height * edge; y++)
      for (let x = 0; x < width * edge; x++)
        for (let color = 0; color < 3; color++) {
          const latentFrame = f === 0 ? 0 : 1 + Math.floor((f - 1) / 4);
          const square = Math.floor((y % edge) / size) * map.pixels + Math.floor((x % edge) / size);
          const row = square * 3 + color;
          const place = Math.floor(y / edge) * width + Math.floor(x / edge);
          let sum = map.offset[row]!;
          for (let c = 0; c < map.channels; c++)
            sum += map.matrix[row]![c]! * latent[(c * latentFrames + latentFrame) * height * width + place]!;
          rgb[at++] = Math.round(Math.min(255, Math.max(0, sum)));
        }
  return { latent, shape, video: { width: width * edge, height: height * edge, count, rgb } };
}

/** Draws maps whose colours stay within 0..255 for nearly all latents. */
const maps = fc
  .record({ channels: fc.integer({ min: 1, max: 8 }), pixels: fc.constantFrom(1, 2), seed: fc.integer() })
  .map(({ channels, pixels, seed }): LinearMap => {
    const rows = pixels * pixels * 3;
    const weights = gaussianNoise(seed >>> 0, rows * channels);
    const scale = 20 / Math.sqrt(channels);
    return {
      channels,
      reach: 0,
      pixels,
      matrix: Array.from({ length: rows }, (_, row) =>
        Array.from(
          { length: channels },
          (_, c) => scale * Math.max(-1, Math.min(1, weights[row * channels + c]!)),
        ),
      ),
      offset: Array.from({ length: rows }, (_, row) => 110 + 3 * row),
    };
  });

test("a fit recovers a linear decoder, but for the rounding of its pixels", () => {
  fc.assert(
    fc.property(maps, fc.nat(), (map, seed) => {
      const { latent, shape, video } = decoded(map, { seed });
      const fit = new MapFit(map);
      fit.add(latent, shape, video);
      const { map: fitted, error } = fit.map()!;
      // Rounding is off by 0.29 (RMS).
      expect(error.rms).toBeLessThan(0.5);
      expect(fitted.reach).toBe(0);
      for (const [row, weights] of map.matrix.entries()) {
        for (const [c, weight] of weights.entries())
          expect(Math.abs(fitted.matrix[row]![c]! - weight)).toBeLessThan(0.5);
        expect(Math.abs(fitted.offset[row]! - map.offset[row]!)).toBeLessThan(0.5);
      }
    }),
    { numRuns: 25 },
  );
});

test("a preview through the fitted map shows the video", () => {
  const [map] = fc.sample(maps, { numRuns: 1, seed: 4 }) as [LinearMap];
  const { latent, shape, video } = decoded(map, { seed: 1 });
  const fit = new MapFit(map);
  fit.add(latent, shape, video);
  const clean = { latent, prediction: new Float32Array(latent.length), kept: 1, added: 0 };
  const { width, height, rgb } = drawPreview(fit.map()!.map, clean, shape, 1);
  expect([width, height]).toEqual([12 * map.pixels, 10 * map.pixels]);
  const far = rgb.filter((value, i) => {
    const [color, x] = [i % 3, Math.floor(i / 3) % width];
    const y = Math.floor(i / 3 / width) % height;
    const frame = [0, 1, 5][Math.floor(i / 3 / width / height)]!;
    return (
      Math.abs(value - video.rgb[((frame * video.height + y * 2) * video.width + x * 2) * 3 + color]!) > 6
    );
  });
  expect(far.length / rgb.length).toBeLessThan(0.01);
});

test("a fit looks at neighbours where they tell more, and only there", () => {
  const [map] = fc.sample(maps, { numRuns: 1, seed: 4 }) as [LinearMap];
  const { latent, shape, video } = decoded(map, { seed: 2 });
  const moved = { ...video, rgb: new Uint8Array(video.rgb.length) };
  const edge = map.pixels * 2 * 3;
  for (let i = 0; i < video.rgb.length; i++) moved.rgb[i] = video.rgb[Math.max(0, i - edge)]!;
  const fit = new MapFit(map);
  fit.add(latent, shape, moved);
  expect(fit.map()!.map.reach).toBe(1);
});

test("a fit to too few positions is none, and one to a video of another shape is refused", () => {
  const [map] = fc.sample(maps, { numRuns: 1, seed: 4 }) as [LinearMap];
  const fit = new MapFit(map);
  expect(fit.map()).toBeNull();
  const { latent, shape, video } = decoded(map, { seed: 3 });
  expect(() => fit.add(latent, { ...shape, width: 11 }, video)).toThrow(RangeError);
});

test.each([
  ["64x64 of the demo model", { width: 8, height: 8 }, 64, 2],
  ["480p of Wan 2.1", { width: 104, height: 60 }, 832, 1],
  ["720p of Wan 2.2 5B", { width: 80, height: 44 }, 1280, 2],
  ["LTX", { width: 22, height: 15 }, 704, 4],
])("a position of %s becomes as many pixels as a preview has room for", (_, shape, width, pixels) => {
  expect(pixelsFor(shape, { width })).toBe(pixels);
});
