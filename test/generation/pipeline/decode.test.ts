import { describe, expect, it } from "vitest";
import type { Session, Tensor } from "../../../lib/generation/onnx/index.ts";
import { decodeFrames } from "../../../lib/generation/pipeline/decode.ts";
import { CancelledError } from "../../../lib/generation/pipeline/index.ts";

const shape = { channels: 3, frames: 4, height: 1, width: 2 };

/**
 * Creates a decoder that returns its latent, three channels as three colours, and records how many frames it was given.
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

  it("a decoder's frames have their channels side by side, however many frames a run takes", async () => {
    for (const perRun of [1, 2, 4]) {
      const batches: number[] = [];
      const session = mirror(batches);
      const runs = Array.from({ length: 4 / perRun }, () => ({ frames: perRun, session }));
      const frames = await decodeFrames(latent, shape, { runs, frames: 4, scale: 1 });
      expect(frames).toEqual({ width: 2, height: 1, count: 4, rgb: Uint8Array.from(rgb) });
      expect(batches).toEqual(Array(4 / perRun).fill(perRun));
    }
  });

  it("each run gives its pictures, and its state to the next run", async () => {
    const given: Record<string, Tensor>[] = [];
    const decoder = (pictures: number): Session => ({
      inputs: [],
      async run(feeds) {
        given.push(feeds);
        const frame = { dtype: "float32", shape: [pictures, 3, 1, 2] } as const;
        const data = new Float32Array(pictures * 6).fill(level(100 * given.length));
        const state = Float32Array.of(given.length);
        return {
          frames: { ...frame, data },
          "after.conv": { dtype: "float32", shape: [1], data: state },
        };
      },
      release: async () => undefined,
    });
    const runs = [
      { frames: 1, session: decoder(1) },
      { frames: 3, session: decoder(5) },
    ];
    const frames = await decodeFrames(latent, shape, { runs, frames: 6, scale: 1 });
    const expected = [...Array(6).fill(100), ...Array(30).fill(200)];
    expect(frames).toEqual({ width: 2, height: 1, count: 6, rgb: Uint8Array.from(expected) });
    expect(given.map((feeds) => Object.keys(feeds).sort())).toEqual([["latent"], ["before.conv", "latent"]]);
    expect(given[1]!["before.conv"]!.data).toEqual(Float32Array.of(1));
    expect(given.map((feeds) => feeds.latent!.shape)).toEqual([
      [1, 3, 1, 2],
      [3, 3, 1, 2],
    ]);
  });

  it("features are made of the whole latent, and each strip of the pictures is made of all their frames", async () => {
    const given: Record<string, Tensor>[] = [];
    /**
     * Makes features that count the latent frames from 10 up, and pictures of the feature in all columns of a strip.
     */
    const session = (count?: number) => ({
      async run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
        given.push(feeds);
        const state: Tensor = { dtype: "float32", shape: [1], data: Float32Array.of(given.length) };
        if (count === undefined) {
          const data = new Float32Array(feeds.latent!.shape[0]!).map((_, frame) => 10 * given.length + frame);
          return { features: { dtype: "float32", shape: [data.length, 1], data }, "after.conv": state };
        }
        const values = feeds.features!.data as Float32Array;
        const data = Float32Array.from([...values].flatMap((value) => Array(3 * count).fill(level(value))));
        return {
          frames: { dtype: "float32", shape: [values.length, 3, 1, count], data },
          "after.conv": state,
        };
      },
    });
    const strip = (first: number, count: number) => ({ axis: "width" as const, first, count });
    const pass = (frames: readonly number[], run: object, count?: number) =>
      frames.map((each) => ({ frames: each, ...run, session: session(count) }));
    const runs = [
      ...pass([1, 3], { makesFeatures: true }),
      ...pass([2, 2], { takesFeatures: true, strip: strip(0, 2) }, 2),
      ...pass([4], { takesFeatures: true, strip: strip(2, 1) }, 1),
    ];
    const wide = { ...shape, width: 3 };
    const { rgb } = await decodeFrames(new Float32Array(36), wide, { runs, frames: 4, scale: 1 });
    const features = [10, 20, 21, 22];
    expect([...rgb]).toEqual(features.flatMap((value) => Array(9).fill(value)));
    expect(
      given.map((feeds) => (feeds.features ? [...(feeds.features.data as Float32Array)] : "latent")),
    ).toEqual(["latent", "latent", [10, 20], [21, 22], features]);
    // State is handed on within a strip, and not to the next.
    expect(given.map((feeds) => feeds["before.conv"]?.data[0])).toEqual([
      undefined,
      1,
      undefined,
      3,
      undefined,
    ]);
  });

  it("strips of rows are put beneath one another", async () => {
    const strip = (first: number, count: number, value: number) => ({
      frames: 1,
      takesFeatures: true,
      strip: { axis: "height" as const, first, count },
      session: {
        async run(): Promise<Record<string, Tensor>> {
          const data = new Float32Array(3 * count * 2).fill(level(value));
          return { frames: { dtype: "float32", shape: [1, 3, count, 2], data } };
        },
      },
    });
    const features: Tensor = { dtype: "float32", shape: [1, 1], data: new Float32Array(1) };
    const runs = [
      { frames: 1, makesFeatures: true, session: { run: async () => ({ features }) } },
      strip(0, 2, 7),
      strip(2, 1, 9),
    ];
    const tall = { channels: 3, frames: 1, height: 3, width: 2 };
    const { rgb } = await decodeFrames(new Float32Array(18), tall, { runs, frames: 1, scale: 1 });
    expect([...rgb]).toEqual([...Array(12).fill(7), ...Array(6).fill(9)]);
  });

  it("a pixel is rounded to the nearest level and clamped to black and white", async () => {
    const values = [-1, 1, -1.5, 7, -1e30, 1e30, level(100.4), level(100.6), 0, level(0.4), level(254.6), -9];
    const one = { channels: 3, frames: 1, height: 1, width: 4 };
    const runs = [{ frames: 1, session: mirror() }];
    const { rgb } = await decodeFrames(Float32Array.from(values), one, { runs, frames: 1, scale: 1 });
    const planar = [0, 1, 2].flatMap((c) => [0, 1, 2, 3].map((x) => rgb[x * 3 + c]));
    expect(planar).toEqual([0, 255, 0, 255, 0, 255, 100, 101, 128, 0, 255, 0]);
  });

  it("a decoder that takes noise is given that of the seed, of the latent's shape", async () => {
    const given: (Tensor | undefined)[] = [];
    const session: Session = {
      ...mirror(),
      async run({ latent, noise }) {
        given.push(noise);
        return { frames: latent! };
      },
    };
    const decode = (seed: number, takesNoise: boolean) =>
      decodeFrames(latent, shape, { runs: [{ frames: 4, session }], frames: 4, scale: 1, takesNoise, seed });
    for (const seed of [7, 7, 8]) await decode(seed, true);
    await decode(7, false);
    const [first, again, other, none] = given;
    expect(first!.shape).toEqual([4, 3, 1, 2]);
    expect(again).toEqual(first);
    expect(other!.data).not.toEqual(first!.data);
    expect(none).toBeUndefined();
  });

  it("a cancelled decoding stops before the next run", async () => {
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
    const runs = Array.from({ length: 4 }, () => ({ frames: 1, session: decoder }));
    const frames = decodeFrames(latent, shape, { runs, frames: 4, scale: 1, signal });
    await expect(frames).rejects.toThrow(CancelledError);
    expect(batches).toEqual([1, 1]);
  });
});
