import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  buildForecast,
  buildFull,
  buildReuse,
  buildUncut,
  stepFeeds,
} from "../../../lib/generation/models/index.ts";
import type { Session, Tensor } from "../../../lib/generation/onnx/index.ts";
import {
  feedsOf,
  float32,
  open,
  readCases,
  readGolden,
  relativeError,
  type STDiT3Case,
  transformerOf,
} from "./golden.ts";

const GUIDANCE = 7;
const signals = ["change", "motionScore"] as const;

describe("the cut of a transformer", async () => {
  const golden = await readGolden("stdit3");
  const [early, late] = (await readCases<STDiT3Case>("stdit3")) as [STDiT3Case, STDiT3Case];
  const dit = transformerOf(golden, early);
  const blockResiduals = 6 * dit.blocks;
  let full: Session;
  let reuse: Session;
  let feeds: Record<string, Tensor>;
  let computed: Record<string, Tensor>;

  beforeAll(async () => {
    full = await open(buildFull(dit, { ...golden, signals, blockResiduals: true }), golden.weights);
    reuse = await open(buildReuse(dit, golden), golden.weights);
    feeds = await feedsOf(golden, 0, early, GUIDANCE);
    computed = await full.run(feeds);
  });
  afterAll(() => Promise.all([full.release(), reuse.release()]));

  // Measured 1.4e-7: in float32 (in + (out - in)) differs from out.
  it("a reused step with R gives the computed step's prediction at the same latent and timestep", async () => {
    const reused = await reuse.run({ ...feeds, residual: computed.residual! });
    expect(relativeError(reused.prediction, computed.prediction!.data as Float32Array)).toBeLessThan(1e-6);
  });

  it("a reused step with R gives another prediction at another timestep", async () => {
    const reused = await reuse.run({
      ...feeds,
      ...stepFeeds(dit.conditions, 500),
      residual: computed.residual!,
    });
    expect(relativeError(reused.prediction, computed.prediction!.data as Float32Array)).toBeGreaterThan(1e-3);
  });

  it("a forecast with weights 1 and 0 is a reused step, bit by bit, and one with others reuses the weighted sum", async () => {
    const forecast = await open(buildForecast(dit, golden), golden.weights);
    const residual = computed.residual!;
    const values = residual.data as Float32Array;
    const earlier = float32(
      values.map((value, i) => 0.5 * value + Math.sin(i)),
      residual.shape,
    );
    const weighted = (newer: number, older: number) =>
      forecast.run({
        ...feeds,
        residual,
        previousResidual: earlier,
        residualWeights: float32(Float32Array.of(newer, older), [2]),
      });
    const reused = await reuse.run({ ...feeds, residual });
    expect((await weighted(1, 0)).prediction!.data).toEqual(reused.prediction!.data);
    const sum = float32(
      values.map((value, i) => 1.75 * value - 0.75 * (earlier.data as Float32Array)[i]!),
      residual.shape,
    );
    const expected = (await reuse.run({ ...feeds, residual: sum })).prediction!.data as Float32Array;
    expect(relativeError((await weighted(1.75, -0.75)).prediction, expected)).toBeLessThan(1e-6);
    expect([...forecast.inputs].sort()).toEqual(
      [...reuse.inputs, "previousResidual", "residualWeights"].sort(),
    );
    await forecast.release();
  });

  // Measured 3e-7.
  it("the residual R is the sum of what all blocks add", () => {
    const sum = new Float32Array(computed.residual!.data.length);
    for (let i = 0; i < blockResiduals; i++) {
      const { data } = computed[`residual.${i}`]!;
      // Before cross-attention one row stands for both guidance halves.
      for (let j = 0; j < sum.length; j++) sum[j]! += Number(data[j % data.length]);
    }
    expect(computed[`residual.${blockResiduals}`]).toBeUndefined();
    expect(relativeError(computed.residual, sum)).toBeLessThan(2e-6);
  });

  // Measured 2e-6: without R as an output, onnxruntime fuses the last addition into the final normalisation.
  it("the prediction of the full graph equals that of the uncut model", async () => {
    const uncut = await open(buildUncut(dit, golden), golden.weights);
    const { prediction } = await uncut.run(feeds);
    expect(relativeError(prediction, computed.prediction!.data as Float32Array)).toBeLessThan(1e-5);
    await uncut.release();
  });

  it("a cut without signals has no probe among its inputs and outputs, and computes the same bits", async () => {
    const plain = await open(buildFull(dit, golden), golden.weights);
    expect(plain.inputs).not.toContain("previousProbe");
    const out = await plain.run(feeds);
    expect(Object.keys(out).sort()).toEqual(["prediction", "residual"]);
    expect(out.prediction!.data).toEqual(computed.prediction!.data);
    await plain.release();
  });

  it("a previous probe is an input only where a signal compares it", async () => {
    const session = await open(
      buildFull(dit, { ...golden, signals: ["probe", "motionScore"] }),
      golden.weights,
    );
    expect(session.inputs).not.toContain("previousProbe");
    const { probe, motionScore, change } = await session.run(feeds);
    expect(probe!.data).toEqual(computed.probe!.data);
    expect(motionScore!.data).toEqual(computed.motionScore!.data);
    expect(change).toBeUndefined();
    await session.release();
  });

  it("the prediction has the same bits whether or not the blocks' residuals are outputs", async () => {
    const plain = await open(buildFull(dit, golden), golden.weights);
    const { prediction, residual } = await plain.run(feeds);
    expect(prediction!.data).toEqual(computed.prediction!.data);
    expect(residual!.data).toEqual(computed.residual!.data);
    await plain.release();
  });

  it("the guided prediction moves from the unconditional towards the conditional half", async () => {
    const scaled = async (scale: number) =>
      (await full.run({ ...feeds, guidanceScale: float32(new Float32Array([scale]), []) })).prediction!;
    const [unconditional, conditional] = [await scaled(0), await scaled(1)];
    const guided = Float32Array.from(unconditional.data as Float32Array, (u, i) => {
      return u + GUIDANCE * (Number(conditional.data[i]) - u);
    });
    expect(relativeError(computed.prediction, guided)).toBeLessThan(1e-6);
  });

  it("the change of the probe is its relative L1 change over both halves", async () => {
    const probe = computed.probe!.data as Float32Array;
    const next = await full.run({
      ...(await feedsOf(golden, 1, late, GUIDANCE)),
      previousProbe: computed.probe!,
    });
    const difference = Float32Array.from(probe, (value, i) => value - Number(next.probe!.data[i]));
    expect(Number(next.change!.data[0])).toBeCloseTo(l1(difference) / l1(probe), 5);
    expect(next.change!.shape).toEqual([]);
  });

  it("the change is 0 when nothing changed", async () => {
    const again = await full.run({ ...feeds, previousProbe: computed.probe! });
    expect(again.change!.data[0]).toBe(0);
  });

  it("the motion score compares neighbouring frames of the probe", () => {
    const probe = computed.probe!.data as Float32Array;
    const half = dit.tokens * dit.width;
    const frame = dit.tokensPerFrame * dit.width;
    const halves = [probe.slice(0, half), probe.slice(half)];
    const later = halves.flatMap((p) => [...p.slice(frame)]);
    const earlier = halves.flatMap((p) => [...p.slice(0, -frame)]);
    const moved = later.map((value, i) => value - earlier[i]!);
    expect(Number(computed.motionScore!.data[0])).toBeCloseTo(l1(moved) / (l1(later) + l1(earlier)), 5);
  });

  it("the motion score of a single frame is that of a still video", async () => {
    const still = await readGolden("stdit3-no-qk-norm");
    const [only] = (await readCases<STDiT3Case>("stdit3-no-qk-norm")) as [STDiT3Case];
    const session = await open(buildFull(transformerOf(still, only), { ...still, signals }), still.weights);
    expect((await session.run(await feedsOf(still, 0, only, 1))).motionScore!.data[0]).toBe(0);
    await session.release();
  });

  it("the reuse graph contains neither text nor blocks", () => {
    expect([...reuse.inputs].sort()).toEqual(["fps", "guidanceScale", "latent", "residual", "timestep"]);
  });
});

function l1(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += Math.abs(value);
  return sum;
}
