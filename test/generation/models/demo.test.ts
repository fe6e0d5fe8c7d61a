import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { CachePolicy, CacheState } from "../../../lib/generation/caching/index.ts";
import {
  type Checkpoint,
  type ModelFolder,
  openModelFolder,
} from "../../../lib/generation/checkpoint/index.ts";
import {
  buildFull,
  buildReuse,
  buildSegment,
  type DiffusionTransformer,
  diffusionTransformer,
  generationFeeds,
  latentDecoder,
  segmentFeeds,
  stepFeeds,
  textEncoder,
} from "../../../lib/generation/models/index.ts";
import { parseSTDiT3Config } from "../../../lib/generation/models/open-sora/transformer.ts";
import type { Tensor } from "../../../lib/generation/onnx/index.ts";
import { denoise } from "../../../lib/generation/pipeline/denoise.ts";
import { openTokenizer } from "../../../lib/generation/pipeline/text/tokenizer.ts";
import {
  linearSteps,
  type RectifiedFlowConfig,
  rectifiedFlow,
  type Sampler,
} from "../../../lib/generation/sampling/index.ts";
import { float32, open, readCases, readVectors, relativeError, run } from "./golden.ts";

/**
 * Golden vectors of tools/golden/model_demo.py: reference implementations over the weights of models/demo.
 */
interface DemoCase {
  readonly prompt: string;
  readonly ids: number[];
  readonly guidance: number;
  /** 0-based denoising steps that are computed; the others reuse R. */
  readonly computed: number[];
  readonly timesteps: number[];
  readonly deltas: number[];
  readonly latent: [frames: number, height: number, width: number];
  readonly height: number;
  readonly width: number;
  readonly fps: number;
}

const modelPath = join(import.meta.dirname, "../../../models/demo");

describe("the demo model against PyTorch", () => {
  let model: ModelFolder;
  let demo: DemoCase;
  let vectors: Checkpoint;
  let transformer: Checkpoint;
  let dit: DiffusionTransformer;
  let feeds: Record<string, Tensor>;

  beforeAll(async () => {
    model = await openModelFolder(modelPath);
    [demo] = (await readCases<DemoCase>("demo")) as [DemoCase];
    vectors = await readVectors("demo");
    const [frames, height, width] = demo.latent;
    const part = model.part("transformer");
    transformer = await part.checkpoint();
    const config = parseSTDiT3Config(part.config);
    const latent = { channels: config.in_channels, frames, height, width };
    dit = diffusionTransformer(part, { latent, height: demo.height, width: demo.width, fps: demo.fps });
    const tokens = demo.ids.length;
    const shape = [2, dit.tokens, dit.width];
    feeds = {
      ...generationFeeds(dit.conditions, {
        texts: [
          { tokens, data: await vectors.read("states") },
          await dit.text.learntText!(transformer, tokens),
        ],
      }),
      latent: float32(await vectors.read("noise"), [1, config.in_channels, ...demo.latent]),
      previousProbe: float32(new Float32Array(2 * dit.tokens * dit.width), shape),
    };
  });

  const guidance = (scale: number) => ({ guidanceScale: float32(new Float32Array([scale]), []) });

  it("the demo model encodes a prompt as transformers does", async () => {
    const part = model.part("text_encoder");
    const weights = await part.checkpoint();
    const encoder = textEncoder(part);
    const length = 32;
    const graph = encoder.build(length, { weights });
    const states = (await run(graph, weights, encoder.feeds(demo.ids, length))).states!.data as Float32Array;
    const valid = states.slice(0, demo.ids.length * encoder.width);
    expect(relativeError(float32(valid, []), await vectors.read("states"))).toBeLessThan(1e-4);
  });

  it("the demo model predicts the velocity of both guidance halves as the authors' module does", async () => {
    const session = await open(buildFull(dit, { weights: transformer }), transformer);
    const expected = await vectors.read("prediction"); // [B, C, F, H, W]
    const half = expected.length / 2;
    for (const [scale, start] of [
      [1, 0],
      [0, half],
    ] as const) {
      const outputs = await session.run({
        ...feeds,
        ...stepFeeds(dit.conditions, demo.timesteps[0]!),
        ...guidance(scale),
      });
      expect(relativeError(outputs.prediction, expected.slice(start, start + half))).toBeLessThan(1e-4);
    }
    await session.release();
  });

  it("the demo model follows a whole denoising run with reused steps as the authors' module does", async () => {
    const full = await open(buildFull(dit, { weights: transformer }), transformer);
    const reuse = await open(buildReuse(dit, { weights: transformer }), transformer);
    const latent = (feeds.latent!.data as Float32Array).slice();
    const steps = await denoise({
      transformer: dit,
      sessions: { full, reuse, signals: new Set() },
      sampler: demoSampler(),
      policy: fixedSchedule(demo.computed),
      feeds: { text: feeds.text!, textMask: feeds.textMask!, fps: feeds.fps! },
      guidanceScale: demo.guidance,
      latent,
    });
    expect(steps.flatMap(({ trace }, step) => (trace.computed ? [step] : []))).toEqual(demo.computed);
    expect(relativeError(float32(latent, []), await vectors.read("latent"))).toBeLessThan(1e-4);
    await Promise.all([full.release(), reuse.release()]);
  });

  it("the demo model follows the same run in segments, of which one graph serves every length", async () => {
    const starts = [...demo.computed.entries()];
    const reused = Math.max(...starts.map(([i, step]) => (demo.computed[i + 1] ?? step + 1) - step - 1));
    const session = await open(buildSegment(dit, { weights: transformer, reused }), transformer);
    const sampler = demoSampler();
    const linear = linearSteps(sampler);
    let { latent } = feeds as { latent: Tensor };
    for (const [i, step] of starts) {
      const end = demo.computed[i + 1] ?? sampler.timesteps.length;
      const steps = linear
        .slice(step, end)
        .map((taken, after) => ({ ...taken, timestep: sampler.timesteps[step + after]! }));
      const out = await session.run(
        { ...feeds, ...guidance(demo.guidance), ...segmentFeeds(dit.conditions, steps, reused), latent },
        ["latents"],
      );
      const { shape } = latent;
      latent = float32((out.latents!.data as Float32Array).slice(-latent.data.length), shape);
    }
    console.log(`DEMO ${reused} ${relativeError(latent, await vectors.read("latent"))}`);
    expect(relativeError(latent, await vectors.read("latent"))).toBeLessThan(1e-4);
    await session.release();
  });

  function demoSampler(): Sampler {
    return rectifiedFlow({
      steps: demo.timesteps.length,
      height: demo.height,
      width: demo.width,
      latentFrames: demo.latent[0],
      config: model.part("scheduler").config as unknown as RectifiedFlowConfig,
    });
  }

  it("the demo model tokenises the prompt as the reference library does", async () => {
    const { folder, config } = model.part("tokenizer");
    const tokenizer = await openTokenizer(folder, config);
    expect(tokenizer.tokenise(demo.prompt, 32).ids).toEqual(demo.ids);
  });

  it("the demo model decodes frames as diffusers does", async () => {
    const part = model.part("vae");
    const weights = await part.checkpoint();
    const decoder = latentDecoder(part);
    const [frames, height, width] = demo.latent;
    const latent = await vectors.read("latent"); // [1, C, F, H, W]
    const area = height * width;
    const chosen = [0, frames - 1].flatMap((frame) =>
      Array.from({ length: decoder.channels }, (_, channel) => {
        const start = (channel * frames + frame) * area;
        return [...latent.subarray(start, start + area)];
      }),
    );
    const outputs = await run(decoder.build({ frames: 2, height, width }, { weights }), weights, {
      latent: float32(Float32Array.from(chosen.flat()), [2, decoder.channels, height, width]),
    });
    expect(relativeError(outputs.frames, await vectors.read("frames"))).toBeLessThan(1e-4);
  });
});

/** Creates a policy that computes exactly these denoising steps and measures nothing. */
function fixedSchedule(computed: readonly number[]): CachePolicy {
  const state: CacheState = {
    ask: ({ denoisingStep }) => ({
      answer: computed.includes(denoisingStep) ? "compute" : "reuse",
      next: state,
    }),
    tell: () => ({ values: {}, next: state }),
  };
  return { name: "fixed", options: {}, signals: [], columns: [], start: () => state };
}
