import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Session } from "../../lib/onnx/index.ts";
import { decodeFrames, framesPerRun } from "../../lib/pipeline/decode.ts";
import { CancelledError } from "../../lib/pipeline/index.ts";

const shape = { channels: 3, frames: 4, height: 1, width: 2 };

/**
 * A decoder that returns its latent, three channels as three colours, and notes how many frames it was given.
 */
function mirror(batches: number[] = []): Session {
  return {
    inputs: ["latent"],
    async run({ latent }) {
      batches.push(latent!.shape[0]!);
      return { frames: latent! };
    },
    release: async () => undefined,
  };
}

describe("frames per run", () => {
  const sizes = fc.tuple(
    fc.integer({ min: 1, max: 300 }),
    fc.integer({ min: 1, max: 2000 }),
    fc.integer({ min: 1, max: 2000 }),
  );

  it("divide the frames, and hold no more pixels than one run may unless it is a single frame", () => {
    fc.assert(
      fc.property(sizes, ([frames, height, width]) => {
        const count = framesPerRun(frames, height, width);
        expect(frames % count).toBe(0);
        expect(count === 1 || count * height * width <= 2 ** 19).toBe(true);
      }),
    );
  });

  it("are all of them where they are small", () => {
    expect(framesPerRun(16, 64, 64)).toBe(16);
    expect(framesPerRun(51, 720, 1280)).toBe(1);
  });
});

describe("decoding", () => {
  // [C, F, H, W]: red is the frame, green the column, blue their product.
  const level = (value: number) => (value / 255) * 2 - 1;
  const planes = [
    (frame: number) => frame,
    (_frame: number, column: number) => column,
    (frame: number, column: number) => frame * column,
  ];
  const latent = Float32Array.from(
    planes.flatMap((value) => [0, 1, 2, 3].flatMap((frame) => [0, 1].map((x) => level(value(frame, x))))),
  );
  const rgb = [0, 1, 2, 3].flatMap((frame) => [0, 1].flatMap((x) => [frame, x, frame * x]));

  it("puts the channels of every frame side by side, however many frames a run takes", async () => {
    for (const perRun of [1, 2, 4]) {
      const batches: number[] = [];
      const frames = await decodeFrames(mirror(batches), latent, shape, { perRun, scale: 1 });
      expect(frames).toEqual({ width: 2, height: 1, count: 4, rgb: Uint8Array.from(rgb) });
      expect(batches).toEqual(Array(4 / perRun).fill(perRun));
    }
  });

  it("rounds to the nearest level and keeps what lies outside at black and white", async () => {
    const values = [
      -1,
      1,
      -1.5,
      7,
      -Infinity,
      Infinity,
      level(100.4),
      level(100.6),
      0,
      level(0.4),
      level(254.6),
      -9,
    ];
    const one = { channels: 3, frames: 1, height: 1, width: 4 };
    const { rgb } = await decodeFrames(mirror(), Float32Array.from(values), one, { perRun: 1, scale: 1 });
    const planar = [0, 1, 2].flatMap((c) => [0, 1, 2, 3].map((x) => rgb[x * 3 + c]));
    expect(planar).toEqual([0, 255, 0, 255, 0, 255, 100, 101, 128, 0, 255, 0]);
  });

  it("stops before the next run once it is cancelled", async () => {
    const controller = new AbortController();
    const batches: number[] = [];
    const decoder: Session = {
      ...mirror(),
      async run(feeds) {
        if (batches.length === 1) controller.abort();
        return mirror(batches).run(feeds);
      },
    };
    const { signal } = controller;
    const frames = decodeFrames(decoder, latent, shape, { perRun: 1, scale: 1, signal });
    await expect(frames).rejects.toThrow(CancelledError);
    expect(batches).toEqual([1, 1]);
  });
});
