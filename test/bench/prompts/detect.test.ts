import { describe, expect, test } from "vitest";
import type { Frames } from "../../../lib/generation/video/index.ts";
import { detect } from "../../../tools/bench/prompts/detect.ts";
import { promptReport } from "../../../tools/bench/prompts/report.ts";
import { type GoldenClip, goldenClips, soften } from "../golden-clips.ts";

const clips = goldenClips();

function shares(change: (frames: Frames) => Frames): Record<string, number> {
  const checked = clips.map(({ prompt, frames, ...expected }: GoldenClip) => ({
    prompt,
    seed: 0,
    expected,
    observed: detect(change(frames)),
  }));
  const { scores, failed } = promptReport(checked);
  const seen = Object.fromEntries(
    scores.filter(({ n }) => n > 0).map(({ attribute, share }) => [attribute, share]),
  );
  // Prompts of failed clips are keys, so that a failing assertion prints them.
  return { ...seen, ...Object.fromEntries(failed.map(({ prompt, wrong }) => [`${prompt}: ${wrong}`, 0])) };
}

describe("the detector sees what scenes.py drew", () => {
  test("the detector sees what scenes.py drew in every clip as drawn", () => {
    const seen = shares((frames) => frames);
    expect(
      Object.values(seen).every((share) => share === 1),
      JSON.stringify(seen),
    ).toBe(true);
  });

  // The demo model's decoder reconstructs at 34 dB; a blur of one pixel and this noise leave some 26 dB.
  test("the detector sees what scenes.py drew in nearly every clip softened more than by the demo model's decoder", () => {
    const { shape, ...rest } = shares((frames) => soften(frames, { sigma: 1, noise: 8 }));
    expect(shape).toBeGreaterThanOrEqual(0.95);
    const aims = ["object colour", "background colour", "direction of travel"];
    for (const attribute of aims) {
      expect(rest[attribute], attribute).toBeGreaterThanOrEqual(0.98);
    }
    for (const motion of ["still", "slow", "fast", "bounce", "spin", "grow", "shrink"]) {
      expect(rest[`motion: ${motion}`], motion).toBeGreaterThanOrEqual(0.9);
    }
  });
});

describe("the detector goes by the frames", () => {
  const clip = clips.find(({ direction }) => direction === "right")!;

  test("a clip played backwards moves to the left instead of to the right", () => {
    expect(detect(clip.frames).direction).toBe("right");
    expect(detect(rearranged(clip.frames, (frame, y, x) => [15 - frame, y, x])).direction).toBe("left");
  });

  test("a clip turned on its side moves down instead of to the right", () => {
    expect(detect(rearranged(clip.frames, (frame, y, x) => [frame, x, y])).direction).toBe("down");
  });

  test("a repeated frame is still", () => {
    const observed = detect(rearranged(clip.frames, (_, y, x) => [7, y, x]));
    expect(observed).toMatchObject({ motion: "still", isMoving: false, direction: null });
  });

  test("a background without an object is reported as that", () => {
    const rgb = new Uint8Array(16 * 64 * 64 * 3);
    for (let i = 0; i < rgb.length; i += 3) rgb.set([45, 90, 220], i);
    expect(detect({ width: 64, height: 64, count: 16, rgb })).toEqual({
      background: "blue",
      colour: null,
      shape: null,
      overlap: 0,
      motion: null,
      isMoving: null,
      direction: null,
    });
  });
});

type Place = [frame: number, y: number, x: number];

/** Returns a video whose pixel at each place is the given video's pixel at `from(place)`. */
function rearranged(frames: Frames, from: (...place: Place) => Place): Frames {
  const { width, height, count } = frames;
  const rgb = new Uint8Array(frames.rgb.length);
  for (let frame = 0, at = 0; frame < count; frame++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at += 3) {
        const [f, row, column] = from(frame, y, x);
        const source = ((f * height + row) * width + column) * 3;
        rgb.set(frames.rgb.subarray(source, source + 3), at);
      }
    }
  }
  return { width, height, count, rgb };
}
