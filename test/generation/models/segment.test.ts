import { describe, expect, it } from "vitest";
import {
  buildForecast,
  buildFull,
  buildReuse,
  buildSegment,
  type GuidanceBatch,
  givenFrames,
  segmentFeeds,
  stepFeeds,
} from "../../../lib/generation/models/index.ts";
import type { Tensor } from "../../../lib/generation/onnx/index.ts";
import {
  linearSteps,
  type Sampler,
  samplerOf,
  withGivenFrames,
} from "../../../lib/generation/sampling/index.ts";
import { float32, open, readCases, readGolden, relativeError } from "./golden.ts";
import { alone, type GoldenCase, goldens, preparedCase } from "./golden-transformers.ts";

/** Samplers whose steps are linear, for models that predict a velocity and for those that predict noise. */
const samplers = {
  STDiT3: { className: "RFlowScheduler", config: {} },
  WanTransformer3DModel: { className: "FlowMatchEulerDiscreteScheduler", config: { shift: 3 } },
  LTXVideoTransformer3DModel: {
    className: "FlowMatchEulerDiscreteScheduler",
    config: { use_dynamic_shifting: true, shift_terminal: 0.1 },
  },
  LatteTransformer3DModel: { className: "DDIMScheduler", config: { clip_sample: false } },
  LatteT2V: { className: "DDIMScheduler", config: { clip_sample: false } },
} as const;

const GUIDANCE = 4;
const REUSED = 3;
const STEPS = 8;
/** Index of the computed step; the reused ones follow it. */
const FIRST = 2;
const signals = ["change", "motionScore"] as const;

/** Weights that differ from step to step, so that a graph cannot mix them up. */
const residualsAt = (step: number) => [1 + 0.3 * step, -0.3 * step];

/** Largest difference over the largest expected value; the worst measured is 3e-7. */
const TOLERANCE = 1e-5;

describe.each(goldens)("a segment of %s", async (name, className) => {
  const golden = await readGolden(name);
  const cases = await readCases<GoldenCase>(name);
  const { dit, both } = await preparedCase(golden, className, cases, 0);
  const trunk = Float32Array.from({ length: 2 * dit.tokens * dit.width }, (_, i) => Math.cos(i) / 4);
  const { channels, frames, height, width } = dit.latent;
  const free = samplerOf(samplers[className])({
    steps: STEPS,
    height: 64,
    width: 64,
    latentFrames: frames,
    tokens: dit.tokens,
  });
  const given = givenFrames(dit.conditions) ?? 0;
  const sampler = given > 0 ? withGivenFrames(free, { channels, frames, given }) : free;
  const feedsFor = (batch: GuidanceBatch): Record<string, Tensor> => {
    const feeds = {
      ...both,
      guidanceScale: float32(Float32Array.of(GUIDANCE), []),
      previousResidual: float32(trunk, [2, dit.tokens, dit.width]),
    };
    return batch === 2 ? feeds : alone(feeds);
  };

  /** Takes the steps one by one; returns the outputs of the computed step and the latent after each step. */
  async function stepwise(batch: GuidanceBatch, forecast: boolean) {
    const cut = { ...golden, batch };
    const full = await open(buildFull(dit, { ...cut, signals }), golden.weights);
    const reuse = await open(forecast ? buildForecast(dit, cut) : buildReuse(dit, cut), golden.weights);
    const feeds = feedsFor(batch);
    const latent = (feeds.latent!.data as Float32Array).slice();
    const shape = [1, channels, frames, height, width];
    const take = sampler.start();
    const latents: number[] = [];
    let computed: Record<string, Tensor> = {};
    for (let step = 0; step <= REUSED; step++) {
      const at = { ...feeds, ...stepFeeds(dit.conditions, sampler.timesteps[FIRST + step]!) };
      const out = await (step === 0 ? full : reuse).run({
        ...at,
        latent: float32(latent, shape),
        ...(step > 0 && { residual: computed.residual! }),
        residualWeights: float32(Float32Array.from(residualsAt(step)), [2]),
      });
      if (step === 0) computed = out;
      take(latent, out.prediction!.data as Float32Array, FIRST + step);
      latents.push(...latent);
    }
    await Promise.all([full.release(), reuse.release()]);
    return { ...computed, latents: float32(Float32Array.from(latents), [REUSED + 1, ...shape.slice(1)]) };
  }

  it.each([
    { batch: 2, forecast: false },
    { batch: 2, forecast: true },
    { batch: 1, forecast: false },
    { batch: 1, forecast: true },
  ] as const)(
    "a segment has every latent and output of single steps with a batch of $batch and forecast $forecast",
    async ({ batch, forecast }) => {
      const expected: Record<string, Tensor> = await stepwise(batch, forecast);
      const options = { ...golden, batch, forecast, signals, reused: REUSED };
      const session = await open(buildSegment(dit, options), golden.weights);
      const out = await session.run({ ...feedsFor(batch), ...stepsOf(sampler, FIRST, REUSED + 1) });
      await session.release();
      expect(Object.keys(out).sort()).toEqual(Object.keys(expected).sort());
      for (const [output, { shape, data }] of Object.entries(expected)) {
        expect(out[output]!.shape).toEqual(shape);
        console.log(`ERR ${relativeError(out[output], data as Float32Array)} ${output}`);
        expect(relativeError(out[output], data as Float32Array), output).toBeLessThan(TOLERANCE);
      }
    },
  );

  it("a segment that is given fewer steps leaves the latent as it is after the last of them", async () => {
    const session = await open(buildSegment(dit, { ...golden, reused: REUSED }), golden.weights);
    const feeds = feedsFor(2);
    const all = (await session.run({ ...feeds, ...stepsOf(sampler, FIRST, REUSED + 1) })).latents!;
    const two = (await session.run({ ...feeds, ...stepsOf(sampler, FIRST, 2) })).latents!;
    await session.release();
    const size = channels * frames * height * width;
    const latentAt = ({ data }: Tensor, step: number) => [...data.slice(step * size, (step + 1) * size)];
    expect(latentAt(two, 1)).toEqual(latentAt(all, 1));
    expect(latentAt(two, REUSED)).toEqual(latentAt(all, 1));
    expect(latentAt(two, REUSED)).not.toEqual(latentAt(all, REUSED));
  });

  function stepsOf(sampler: Sampler, first: number, count: number) {
    const linear = linearSteps(sampler).slice(first, first + count);
    const steps = linear.map((step, i) => ({
      ...step,
      timestep: sampler.timesteps[first + i]!,
      residuals: residualsAt(i),
    }));
    return segmentFeeds(dit.conditions, steps, REUSED);
  }
});

describe("what a segment refuses", async () => {
  const golden = await readGolden("stdit3");
  const { dit } = await preparedCase(golden, "STDiT3", await readCases<GoldenCase>("stdit3"), 0);

  it.each([0, -1, 1.5, Number.NaN])("a segment of %d reused steps is refused", (reused) => {
    expect(() => buildSegment(dit, { ...golden, reused })).toThrow(
      `a segment needs a whole number of reused steps, 1 or more, got ${reused}`,
    );
  });

  it.each([0, 4])("%d steps in a segment of 3 are refused", (count) => {
    const steps = Array.from({ length: count }, () => ({ timestep: 500, latent: 1, prediction: 0.1 }));
    expect(() => segmentFeeds(dit.conditions, steps, 2)).toThrow(`a segment of 3 steps cannot take ${count}`);
  });

  it("a graph without a forecast needs neither an earlier residual nor weights of residuals", async () => {
    const session = await open(buildSegment(dit, { ...golden, reused: 1 }), golden.weights);
    expect([...session.inputs].sort()).toEqual(
      [
        "fps",
        "guidanceScale",
        "latent",
        "samplerWeights",
        "text",
        "textMask",
        "timestep.0",
        "timestep.1",
      ].sort(),
    );
    await session.release();
  });
});
