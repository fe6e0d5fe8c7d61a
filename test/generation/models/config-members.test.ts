/**
 * Every member of every configuration, changed one at a time: the result changes as that of the reference does, or the
 * member is refused by name (tools/golden/config_members.py). Worst error measured: 4.4e-6.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  buildUncut,
  diffusionTransformer,
  generationFeeds,
  latentDecoder,
  stepFeeds,
  textEncoder,
} from "../../../lib/generation/models/index.ts";
import type { Tensor } from "../../../lib/generation/onnx/index.ts";
import { samplerOf } from "../../../lib/generation/sampling/index.ts";
import { formula, withFormulaWeights } from "./formula-weights.ts";
import { float32, run } from "./golden.ts";

const TOLERANCE = 1e-4;
const STEPS = 4;
const TOKENS = 5;
const IDS = [5, 3, 9, 2, 1];
const TEXT_LENGTH = 7;

type Config = Readonly<Record<string, unknown>>;

/** Result of the reference: values at a stride. */
interface Samples {
  readonly count: number;
  readonly samples: readonly number[];
}

type Change = { readonly member: string; readonly value: unknown } & (
  | ({ readonly result: "changed" } & Samples)
  | { readonly result: "same" | "refused" }
);

interface Run extends Samples {
  readonly role: keyof typeof results;
  readonly className: string;
  readonly base: Config;
  readonly changes: readonly Change[];
}

const file = new URL("../../golden/config-members.json", import.meta.url);
const { runs }: { runs: Run[] } = JSON.parse(readFileSync(file, "utf8"));

function values(name: string, count: number): Float32Array {
  return Float32Array.from(formula(name, count));
}

const results = {
  scheduler: async (className: string, config: Config) => {
    const sampler = samplerOf({ className, config })({
      steps: STEPS,
      height: 64,
      width: 64,
      latentFrames: 1,
      tokens: 1000,
    });
    const latent = values("latent", 16).map((value) => value * 2);
    const step = sampler.start();
    for (const index of sampler.timesteps.keys()) step(latent, values(`prediction.${index}`, 16), index);
    return Float32Array.of(...latent, ...sampler.timesteps.map((timestep) => timestep / 1000));
  },

  async transformer(className: string, config: Config) {
    const isLatte = className.startsWith("Latte");
    const channels = Number(config.in_channels);
    const sizes = isLatte
      ? [Number(config.video_length), 4, 6]
      : (config.patch_size as number[]).map((size) => 2 * size);
    const [frames, height, width] = sizes as [number, number, number];
    const latent = { channels, frames, height, width };
    const dit = diffusionTransformer({ className, config }, { latent, height: 64, width: 64, fps: 8 });
    const textWidth = Number(config.caption_channels ?? config.text_dim);
    const texts = [{ tokens: TOKENS, data: values("text", TOKENS * textWidth) }];
    const feeds: Record<string, Tensor> = {
      ...stepFeeds(dit.conditions, 487),
      ...generationFeeds(dit.conditions, { texts }),
      latent: float32(values("latent", channels * frames * height * width), [
        1,
        channels,
        ...sizes,
      ] as number[]),
    };
    const out = await withFormulaWeights(
      (weights) => buildUncut(dit, { weights, batch: 1 }),
      (weights) => run(buildUncut(dit, { weights, batch: 1 }), weights, feeds),
    );
    return out.prediction!.data as Float32Array;
  },

  async decoder(className: string, config: Config) {
    const decoder = latentDecoder({ className, config });
    const frames = className === "AutoencoderKL" ? 2 : 3;
    const extent = { frames, height: 4, width: 6 };
    const given = values("latent", decoder.channels * frames * 24);
    // The golden of a video has its channels first.
    const isVideo = className === "AutoencoderKLWan";
    const data = isVideo ? framesFirst(given, decoder.channels, frames) : given;
    const feeds = { latent: float32(data, [frames, decoder.channels, 4, 6]) };
    const out = await withFormulaWeights(
      (weights) => decoder.build(extent, { weights }),
      (weights) => run(decoder.build(extent, { weights }), weights, feeds),
    );
    const pictures = out.frames!.data as Float32Array;
    return isVideo ? pictures.map((value) => Math.min(1, Math.max(-1, value))) : pictures;
  },

  async "text encoder"(className: string, config: Config) {
    const encoder = textEncoder({ className, config });
    const out = await withFormulaWeights(
      (weights) => encoder.build(TEXT_LENGTH, { weights }),
      (weights) => run(encoder.build(TEXT_LENGTH, { weights }), weights, encoder.feeds(IDS, TEXT_LENGTH)),
    );
    return (out.states!.data as Float32Array).slice(0, IDS.length * encoder.width);
  },
};

function framesFirst(data: Float32Array, channels: number, frames: number): Float32Array {
  const area = data.length / channels / frames;
  return data.map((_, i) => {
    const [frame, channel] = [Math.floor(i / (area * channels)), Math.floor(i / area) % channels];
    return data[(channel * frames + frame) * area + (i % area)]!;
  });
}

function errorOf(actual: Float32Array, { count, samples }: Samples): number {
  if (actual.length !== count) return Number.POSITIVE_INFINITY;
  const stride = Math.max(1, Math.floor(count / 12));
  const largest = Math.max(...samples.map(Math.abs));
  return Math.max(...samples.map((value, i) => Math.abs(value - actual[i * stride]!))) / largest;
}

for (const [index, { role, className, base, changes, ...expected }] of runs.entries()) {
  describe(`a configuration of ${className} (${index})`, () => {
    it(`the base configuration of ${className} (${index}) gives the reference's result`, async () => {
      expect(errorOf(await results[role](className, base), expected)).toBeLessThan(TOLERANCE);
    });

    it.each(changes.map((change) => ({ ...change, shown: JSON.stringify(change.value).slice(0, 40) })))(
      `${className} (${index}) obeys or refuses $member = $shown`,
      async ({ member, value, ...change }) => {
        const config = { ...base, [member]: value };
        const ours = await results[role](className, config).catch((error: Error) => error);
        if (ours instanceof Error) {
          // Where the reference refuses, another member may be at fault that has to be changed too.
          if (change.result !== "refused") expect(ours.message).toContain(member);
          expect(ours.message).not.toMatch(/Invalid|expected|undefined/);
          return;
        }
        const wanted = "samples" in change ? change : expected;
        // Where the reference itself cannot be used so, the member is at least not ignored.
        if (change.result === "refused") expect(errorOf(ours, expected)).toBeGreaterThan(TOLERANCE);
        else expect(errorOf(ours, wanted)).toBeLessThan(TOLERANCE);
      },
    );
  });
}
