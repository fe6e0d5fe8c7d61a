import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Frames } from "../../lib/generation/video/index.ts";
import type { PromptAttributes } from "../../tools/bench/prompts/report.ts";

export interface GoldenClip extends PromptAttributes {
  readonly prompt: string;
  readonly frames: Frames;
}

const folder = new URL("../golden/prompt-check/", import.meta.url);
const [SIZE, COUNT] = [64, 16];

/** Reads clips drawn by tools/demo-model/scenes.py, with their attributes; written by held_out.py --golden. */
export function goldenClips(): GoldenClip[] {
  const rows: Omit<GoldenClip, "frames">[] = JSON.parse(readFileSync(new URL("clips.json", folder), "utf8"));
  const bytes = new Uint8Array(gunzipSync(readFileSync(new URL("clips.rgb.gz", folder))));
  const frameBytes = SIZE * SIZE * 3;
  const clipBytes = COUNT * frameBytes;
  return rows.map((row, clip) => {
    const rgb = bytes.slice(clip * clipBytes, (clip + 1) * clipBytes);
    // Each frame is stored as XOR with the frame before it.
    for (let i = frameBytes; i < clipBytes; i++) rgb[i]! ^= rgb[i - frameBytes]!;
    return { ...row, frames: { width: SIZE, height: SIZE, count: COUNT, rgb } };
  });
}

/** Imitates the output of a decoder: blurs frames by a Gaussian and adds noise, the same on every machine. */
export function soften(frames: Frames, { sigma, noise }: { sigma: number; noise: number }): Frames {
  const { width, height, count } = frames;
  const random = uniform(1);
  const across = blurAlong(Float32Array.from(frames.rgb), { length: width, stride: 3, sigma });
  const down = blurAlong(across, { length: height, stride: width * 3, sigma });
  // The sum of four uniform numbers approximates a Gaussian; its standard deviation is sqrt(1/3).
  const gaussian = () => (random() + random() + random() + random() - 2) * Math.sqrt(3);
  const rgb = Uint8Array.from(down, (v) => Math.round(Math.min(255, Math.max(0, v + noise * gaussian()))));
  return { width, height, count, rgb };
}

/** Blurs along one axis; the edge is repeated outwards. */
function blurAlong(
  values: Float32Array,
  { length, stride, sigma }: { length: number; stride: number; sigma: number },
): Float32Array {
  const radius = Math.ceil(3 * sigma);
  const taps = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-(((i - radius) / sigma) ** 2) / 2));
  const sum = taps.reduce((a, b) => a + b, 0);
  return values.map((_, at) => {
    const place = Math.floor(at / stride) % length;
    let value = 0;
    for (const [i, tap] of taps.entries()) {
      const from = Math.min(length - 1, Math.max(0, place + i - radius));
      value += (tap / sum) * values[at + (from - place) * stride]!;
    }
    return value;
  });
}

/** Marsaglia's 32-bit xorshift generator of numbers in [0, 1). */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
