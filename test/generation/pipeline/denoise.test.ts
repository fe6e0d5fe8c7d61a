import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type CachePolicy,
  type CacheState,
  createPolicy,
  type Measured,
  type SignalAfter,
  type SignalBefore,
  type SignalName,
  type StepAhead,
  staticPolicy,
} from "../../../lib/generation/caching/index.ts";
import {
  cutNames,
  type DiffusionTransformer,
  type GraphSignalName,
} from "../../../lib/generation/models/index.ts";
import type { Session, Tensor } from "../../../lib/generation/onnx/index.ts";
import { type DenoiseOptions, denoise } from "../../../lib/generation/pipeline/denoise.ts";
import { CancelledError } from "../../../lib/generation/pipeline/index.ts";
import { eulerSampler } from "../../../lib/generation/sampling/index.ts";

/**
 * The denoising loop is run over sessions that compute nothing but record their inputs, in order. Tensors are compared
 * by identity.
 */
type Feeds = Readonly<Record<string, Tensor>>;

interface Run {
  readonly cut: "full" | "reuse";
  readonly feeds: Feeds;
  /** Latent at that moment; the loop changes it in place. */
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

const SIGNALS: ReadonlySet<GraphSignalName> = new Set(["change", "motionScore"]);

/**
 * Creates sessions whose n-th run predicts n everywhere and measures a change of n / 8 and a motion score of n / 16.
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
        change: vector([n / 8]),
        motionScore: vector([n / 16]),
      };
      const out = { [cutNames.prediction]: prediction, ...(cut === "full" && computed) };
      runs.push({ cut, feeds, latent: [...feeds[cutNames.latent]!.data] as number[], out });
      return out;
    },
    release: async () => undefined,
  });
  return { full: session("full"), reuse: session("reuse"), signals: SIGNALS };
}

interface Heard {
  readonly ahead: (StepAhead & Measured<SignalBefore>)[];
  readonly measured: [number, Measured<SignalAfter>][];
}

const nothingHeard = (): Heard => ({ ahead: [], measured: [] });

/** Creates a policy that computes the steps of a list and records what it is told. */
function listedPolicy(
  computed: readonly (boolean | "early")[],
  { ahead, measured }: Heard = nothingHeard(),
  signals: readonly SignalName[] = ["change", "motionScore"],
): CachePolicy {
  const state: CacheState = {
    ask(step) {
      ahead.push(step);
      const wanted = computed[step.denoisingStep]!;
      return { answer: wanted === "early" ? "compute early" : wanted ? "compute" : "reuse", next: state };
    },
    tell(step, measurement) {
      measured.push([step, measurement]);
      return { values: {}, next: state };
    },
  };
  return { name: "listed", options: {}, signals, columns: [], start: () => state };
}

const computeEvery = (interval: number) => createPolicy(staticPolicy, { interval });

const UNASKED = {
  change: null,
  motionScore: null,
  predictionChange: null,
  predictionSize: null,
  latentDistance: null,
  cleanSquare: null,
  cleanProduct: null,
  cleanProductBefore: null,
};

function run(steps: number, policy: CachePolicy, options: Partial<DenoiseOptions> = {}) {
  const runs: Run[] = [];
  const result = denoise({
    transformer,
    sessions: recordingSessions(runs),
    sampler: eulerSampler({
      trainTimesteps: 1000,
      noiseLevels: Array.from({ length: steps }, (_, step) => 1 - step / 1000),
      deltas: Array.from({ length: steps }, (_, step) => 2 ** -step),
    }),
    policy,
    feeds: { text: vector([7]) },
    guidanceScale: 4,
    latent: new Float32Array(4),
    ...options,
  });
  return { runs, result };
}

/** Any schedule of a policy; the first step is computed whatever the policy says. */
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
    const heard = nothingHeard();
    await run(4, listedPolicy([true, false, true, true], heard)).result;
    expect(heard.measured).toEqual([
      [0, { ...UNASKED, change: null, motionScore: 1 / 16 }],
      [2, { ...UNASKED, change: 3 / 8, motionScore: 3 / 16 }],
      [3, { ...UNASKED, change: 4 / 8, motionScore: 4 / 16 }],
    ]);
  });

  it("a policy that names no signal is told nothing, though its sessions may measure", async () => {
    const heard = nothingHeard();
    await run(2, listedPolicy([true, true], heard, [])).result;
    expect(heard.measured).toEqual([
      [0, UNASKED],
      [1, UNASKED],
    ]);
    expect(heard.ahead).toMatchObject([
      { latentChange: null, latentSize: null },
      { latentChange: null, latentSize: null },
    ]);
  });

  it("a policy is asked before every step, with the change of the latent since the step before and its size", async () => {
    const heard = nothingHeard();
    const latent = Float32Array.of(1, -2, 3, -4);
    await run(3, listedPolicy([true, false, true], heard, ["latentChange", "latentSize"]), { latent }).result;
    // Predictions 1, 2, 3 along deltas 1, 1/2, 1/4.
    expect(heard.ahead).toMatchObject([
      { denoisingStep: 0, latentChange: null, latentSize: 2.5 },
      { denoisingStep: 1, latentChange: 1, latentSize: (2 + 1 + 4 + 3) / 4 },
      { denoisingStep: 2, latentChange: 1, latentSize: (3 + 0 + 5 + 2) / 4 },
    ]);
  });

  it("the prediction and its change since the last computed step are measured where a policy asks", async () => {
    const heard = nothingHeard();
    await run(4, listedPolicy([true, false, false, true], heard, ["predictionChange", "predictionSize"]))
      .result;
    expect(heard.measured).toEqual([
      [0, { ...UNASKED, predictionChange: null, predictionSize: 1 }],
      [3, { ...UNASKED, predictionChange: 3, predictionSize: 4 }],
    ]);
  });

  it("a policy is told the seconds spent, and those left where there is a limit", async () => {
    const [free, limited] = [nothingHeard(), nothingHeard()];
    await run(3, listedPolicy([true, true, true], free)).result;
    await run(3, listedPolicy([true, true, true], limited), { secondsAvailable: 60 }).result;
    expect(free.ahead.map(({ secondsLeft }) => secondsLeft)).toEqual([null, null, null]);
    const spent = limited.ahead.map(({ secondsSpent }) => secondsSpent);
    expect(spent.every((seconds, i) => seconds >= (spent[i - 1] ?? 0) && seconds < 60)).toBe(true);
    for (const { secondsSpent, secondsLeft } of limited.ahead) {
      expect(secondsSpent + secondsLeft!).toBeCloseTo(60, 9);
    }
  });

  it("a step that ends a planned reuse early is computed, and the trace says so", async () => {
    const { runs, result } = run(3, listedPolicy([true, "early", false]));
    const steps = await result;
    expect(runs.map(({ cut }) => cut)).toEqual(["full", "full", "reuse"]);
    expect(steps.map(({ trace }) => trace)).toEqual([
      { step: 1, computed: true },
      { step: 2, computed: true, early: true },
      { step: 3, computed: false },
    ]);
  });

  it("the loop goes on with the state that the answer brought, on reused steps too", async () => {
    const counting = (asked: number): CacheState => ({
      ask: () => ({ answer: asked % 3 === 0 ? "compute" : "reuse", next: counting(asked + 1) }),
      tell: () => ({ values: { asked }, next: counting(asked) }),
    });
    const column = { key: "asked", label: "Asked", format: "count", description: "" } as const;
    const policy = {
      name: "counting",
      options: {},
      signals: [],
      columns: [column],
      start: () => counting(0),
    };
    const steps = await run(7, policy).result;
    expect(steps.map(({ trace }) => Object.values(trace).at(-1))).toEqual([1, null, null, 4, null, null, 7]);
  });

  it("the loop keeps no probe where the sessions compare none", async () => {
    const runs: Run[] = [];
    const sessions = { ...recordingSessions(runs), signals: new Set<GraphSignalName>(["motionScore"]) };
    const heard = nothingHeard();
    await run(2, listedPolicy([true, true], heard, ["motionScore"]), { sessions }).result;
    for (const { feeds } of runs) expect(feeds).not.toHaveProperty(cutNames.previousProbe);
    expect(heard.measured.map(([, { motionScore }]) => motionScore)).toEqual([1 / 16, 2 / 16]);
  });

  it("a video of one frame has no motion score", async () => {
    const heard = nothingHeard();
    const still = { ...transformer, tokenFrames: 1 };
    await run(2, listedPolicy([true, true], heard), { transformer: still }).result;
    expect(heard.measured.map(([, { motionScore }]) => motionScore)).toEqual([null, null]);
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
      // The value of a promise stays reachable for the rest of that turn of the event loop.
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
    await run(7, computeEvery(2), { sessions: { full, reuse, signals: SIGNALS } }).result;
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
