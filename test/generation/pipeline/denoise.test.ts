import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type CachePolicy,
  type CacheState,
  computeEvery,
  type Measurement,
} from "../../../lib/generation/caching/index.ts";
import { cutNames, type DiffusionTransformer } from "../../../lib/generation/models/index.ts";
import type { Session, Tensor } from "../../../lib/generation/onnx/index.ts";
import { type DenoiseOptions, denoise } from "../../../lib/generation/pipeline/denoise.ts";
import { CancelledError } from "../../../lib/generation/pipeline/index.ts";
import { eulerSampler } from "../../../lib/generation/sampling/index.ts";

/**
 * The loop over sessions that compute nothing: what each run was given, and in which order. Tensors are told
 * apart by identity.
 */
type Feeds = Readonly<Record<string, Tensor>>;

interface Run {
  readonly cut: "full" | "reuse";
  readonly feeds: Feeds;
  /** The latent at that moment; the loop changes it in place. */
  readonly latent: number[];
  readonly out: Record<string, Tensor>;
}

const latentShape = { channels: 1, frames: 2, height: 1, width: 2 };
const transformer = {
  latent: latentShape,
  tokens: 4,
  tokensPerFrame: 2,
  tokenFrames: 2,
  width: 3,
  conditions: [{ stepFeeds: (timestep: number) => ({ timestep: vector([timestep]) }) }],
} as Partial<DiffusionTransformer> as DiffusionTransformer;

function vector(values: readonly number[]): Tensor {
  return { dtype: "float32", shape: [values.length], data: Float32Array.from(values) };
}

/**
 * Sessions whose n-th run predicts n everywhere and measures a change of n / 8 and a motion score of n / 16.
 */
function recordingSessions(runs: Run[]) {
  const session = (cut: Run["cut"]): Session => ({
    inputs: [],
    async run(feeds) {
      const n = runs.length + 1;
      const prediction = vector([n, n, n, n]);
      const computed = {
        [cutNames.residual]: vector([n]),
        [cutNames.probe]: vector([n]),
        [cutNames.change]: vector([n / 8]),
        [cutNames.motionScore]: vector([n / 16]),
      };
      const out = { [cutNames.prediction]: prediction, ...(cut === "full" && computed) };
      runs.push({ cut, feeds, latent: [...feeds[cutNames.latent]!.data] as number[], out });
      return out;
    },
    release: async () => undefined,
  });
  return { full: session("full"), reuse: session("reuse") };
}

/** Computes the steps a list says, and notes what it is told. */
function listedPolicy(computed: readonly boolean[], measured: [number, Measurement][] = []): CachePolicy {
  const state = (decision: CacheState["decision"]): CacheState => ({
    decision,
    shouldCompute: (step) => computed[step]!,
    afterComputed(step, measurement) {
      measured.push([step, measurement]);
      return state({ ...measurement, motionFactor: null, distance: null, rate: null });
    },
  });
  return { name: "listed", codebook: null, motion: null, warmup: 0, start: () => state(null) };
}

function run(steps: number, policy: CachePolicy, options: Partial<DenoiseOptions> = {}) {
  const runs: Run[] = [];
  const result = denoise({
    transformer,
    sessions: recordingSessions(runs),
    sampler: eulerSampler(
      Array.from({ length: steps }, (_, step) => 1000 - step),
      Array.from({ length: steps }, (_, step) => 2 ** -step),
    ),
    policy,
    feeds: { text: vector([7]) },
    guidanceScale: 4,
    latent: new Float32Array(4),
    ...options,
  });
  return { runs, result };
}

/** Every schedule a policy may ask for; the first step is computed whatever it says. */
const schedules = fc.array(fc.boolean(), { minLength: 1, maxLength: 12 });
const lastComputed = (runs: readonly Run[], before: number) =>
  runs.slice(0, before).findLast(({ cut }) => cut === "full");

describe("denoising", () => {
  it("denoising computes the first step and those its policy says, and reuses all others", () =>
    fc.assert(
      fc.asyncProperty(schedules, async (computed) => {
        const expected = computed.map((isComputed, step) => isComputed || step === 0);
        const { runs, result } = run(computed.length, listedPolicy(computed));
        const steps = await result;
        expect(runs.map(({ cut }) => cut === "full")).toEqual(expected);
        expect(steps.map(({ trace }) => trace.computed)).toEqual(expected);
        expect(steps.map(({ trace }) => trace.step)).toEqual(expected.map((_, step) => step + 1));
      }),
    ));

  it("a reused step gets the residual of the last computed one, and no other computed tensor", () =>
    fc.assert(
      fc.asyncProperty(schedules, async (computed) => {
        const { runs, result } = run(computed.length, listedPolicy(computed));
        await result;
        for (const [step, { cut, feeds }] of runs.entries()) {
          const expected = cut === "reuse" ? lastComputed(runs, step)!.out[cutNames.residual] : undefined;
          expect(feeds[cutNames.residual]).toBe(expected);
          if (cut === "reuse") expect(feeds).not.toHaveProperty(cutNames.previousProbe);
        }
      }),
    ));

  it("a computed step gets the probe of the last computed one, and zeros at first", () =>
    fc.assert(
      fc.asyncProperty(schedules, async (computed) => {
        const { runs, result } = run(computed.length, listedPolicy(computed));
        await result;
        const [first, ...later] = runs.entries();
        expect(first![1].feeds[cutNames.previousProbe]).toEqual({
          dtype: "float32",
          shape: [2, transformer.tokens, transformer.width],
          data: new Float32Array(2 * transformer.tokens * transformer.width),
        });
        for (const [step, { cut, feeds }] of later) {
          if (cut === "full")
            expect(feeds[cutNames.previousProbe]).toBe(lastComputed(runs, step)!.out[cutNames.probe]);
        }
      }),
    ));

  it("the policy is told what each computed step measured, but no change at the first", async () => {
    const measured: [number, Measurement][] = [];
    await run(4, listedPolicy([true, false, true, true], measured)).result;
    expect(measured).toEqual([
      [0, { change: null, motionScore: 1 / 16 }],
      [2, { change: 3 / 8, motionScore: 3 / 16 }],
      [3, { change: 4 / 8, motionScore: 4 / 16 }],
    ]);
  });

  it("a video of one frame has no motion score", async () => {
    const measured: [number, Measurement][] = [];
    const still = { ...transformer, tokenFrames: 1 };
    await run(2, listedPolicy([true, true], measured), { transformer: still }).result;
    expect(measured.map(([, { motionScore }]) => motionScore)).toEqual([null, null]);
  });

  it("each step gets its timestep, the text, the guidance scale, and the latent of all earlier steps", async () => {
    const latent = Float32Array.of(1, 2, 3, 4);
    const { runs, result } = run(3, computeEvery(2), { latent });
    await result;
    expect(runs.map(({ feeds }) => feeds.timestep!.data[0])).toEqual([1000, 999, 998]);
    for (const { feeds } of runs) {
      expect(feeds.text).toEqual(vector([7]));
      expect(feeds[cutNames.guidanceScale]).toEqual({
        dtype: "float32",
        shape: [],
        data: Float32Array.of(4),
      });
      expect(feeds[cutNames.latent]!.shape).toEqual([1, 1, 2, 1, 2]);
    }
    // Predictions 1, 2, 3 along deltas 1, 1/2, 1/4.
    expect(runs.map(({ latent }) => latent)).toEqual([
      [1, 2, 3, 4],
      [2, 3, 4, 5],
      [3, 4, 5, 6],
    ]);
    expect([...latent]).toEqual([3.75, 4.75, 5.75, 6.75]);
  });

  it("every step is reported once it is done", async () => {
    const told: number[] = [];
    const { runs, result } = run(3, computeEvery(2), {
      onStep: ({ trace }) => told.push(trace.step, runs.length),
    });
    await result;
    expect(told).toEqual([1, 1, 2, 2, 3, 3]);
  });

  it("a cancelled denoising stops before the next step", async () => {
    const controller = new AbortController();
    const { runs, result } = run(5, computeEvery(2), {
      signal: controller.signal,
      onStep: ({ trace }) => trace.step === 2 && controller.abort(),
    });
    await expect(result).rejects.toThrow(CancelledError);
    expect(runs).toHaveLength(2);
  });

  it("the event loop gets a turn between two steps, so that a message can cancel them", async () => {
    const controller = new AbortController();
    const { runs, result } = run(100, computeEvery(2), {
      signal: controller.signal,
      onStep: ({ trace }) => trace.step === 2 && setImmediate(() => controller.abort()),
    });
    await expect(result).rejects.toThrow(CancelledError);
    expect(runs.length).toBeLessThanOrEqual(3);
  });
});

describe("memory", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");

  it("a residual is held while it is reused, and released while the next is computed", async () => {
    const residuals: WeakRef<Tensor>[] = [];
    const probes: WeakRef<Tensor>[] = [];
    const held: { cut: string; residuals: number; probes: number }[] = [];
    const note = async (cut: string) => {
      // What a promise was resolved with stays reachable for the rest of that turn of the event loop.
      await new Promise(setImmediate);
      collectGarbage();
      const alive = (refs: WeakRef<Tensor>[]) => refs.filter((ref) => ref.deref() !== undefined).length;
      held.push({ cut, residuals: alive(residuals), probes: alive(probes) });
    };
    const full: Session = {
      inputs: [],
      async run() {
        await note("full");
        const [residual, probe] = [vector([1]), vector([1])];
        residuals.push(new WeakRef(residual));
        probes.push(new WeakRef(probe));
        const change = vector([1]);
        return { prediction: vector([0, 0, 0, 0]), residual, probe, change, motionScore: change };
      },
      release: async () => undefined,
    };
    const reuse: Session = {
      ...full,
      async run() {
        await note("reuse");
        return { prediction: vector([0, 0, 0, 0]) };
      },
    };
    await run(7, computeEvery(2), { sessions: { full, reuse } }).result;
    await note("end");
    expect(held).toEqual([
      { cut: "full", residuals: 0, probes: 0 },
      { cut: "reuse", residuals: 1, probes: 1 },
      { cut: "full", residuals: 0, probes: 1 },
      { cut: "reuse", residuals: 1, probes: 1 },
      { cut: "full", residuals: 0, probes: 1 },
      { cut: "reuse", residuals: 1, probes: 1 },
      { cut: "full", residuals: 0, probes: 1 },
      { cut: "end", residuals: 0, probes: 0 },
    ]);
  });
});
