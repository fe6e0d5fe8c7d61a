import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildForecast, buildFull, buildReuse, cutNames } from "../../../lib/generation/models/index.ts";
import {
  Graph,
  neg,
  openSession,
  type Session,
  SessionError,
  sinusoid,
  type Tensor,
  unsupportedOperator,
} from "../../../lib/generation/onnx/index.ts";
import {
  assertComputes,
  OPERATOR_ERROR_MAX,
  operatorErrors,
} from "../../../lib/generation/onnx/self-check.ts";
import { readCases, readGolden, relativeError, run } from "../models/golden.ts";
import { type GoldenCase, goldens, preparedCase } from "../models/golden-transformers.ts";
import { adapterEnvironment, hasAdapter } from "../software-adapter.ts";
import { tensor } from "./run-graph.ts";

/** Difference from the CPU that the sums of another device may have; SwiftShader's came to 3e-6 at most. */
const TOLERANCE = 1e-4;

const x = tensor([2, 3]);

function negation(): Uint8Array {
  const graph = new Graph({ provider: "webgpu" });
  const input = graph.input("x", "float32", [2, 3]);
  graph.output("y", neg(input));
  graph.output("z", neg(neg(input)));
  return graph.build();
}

const openOnGpu = (graph: Graph, options: { weightsFolder?: string; keptOutputs?: string[] } = {}) =>
  openSession(graph.build(), { provider: "webgpu", threads: 1, ...options });

describe.skipIf(!hasAdapter)("on a WebGPU adapter", () => {
  /** Stays open, because onnxruntime forgets all compiled shaders when the last session is released. */
  let anchor: Session;
  beforeAll(async () => {
    Object.assign(process.env, adapterEnvironment);
    anchor = await openSession(negation(), { provider: "webgpu", threads: 1 });
  });
  afterAll(() => anchor.release());

  test("every operator computes what the CPU computes", async () => {
    const errors = await operatorErrors("webgpu");
    expect(errors.length).toBeGreaterThan(10);
    expect(errors.filter(({ error }) => !(error < 1e-5))).toEqual([]);
  }, 400_000);

  test("an output that is kept stays on the device, where another session reads it, until it is released", async () => {
    const session = await openSession(negation(), { provider: "webgpu", threads: 1, keptOutputs: ["y"] });
    const { y, z } = (await session.run({ x })) as { y: Tensor; z: Tensor };
    expect(z.data).toEqual(x.data);
    expect([y.dtype, y.shape]).toEqual(["float32", [2, 3]]);
    expect(() => y.data).toThrow(
      new SessionError("the tensor is in the memory of the GPU, where the host cannot read it"),
    );
    const again = await anchor.run({ x: y });
    expect(again.y!.data).toEqual(x.data);
    y.release!();
    await expect(anchor.run({ x: y })).rejects.toThrow(SessionError);
    await session.release();
  });

  test("an operator without a kernel is an error, and it is found by name", async () => {
    const graph = new Graph({ provider: "webgpu" });
    const angles = neg(graph.input("angles", "float32", [1, 4]));
    graph.output(
      "y",
      graph.scope("clock", () => sinusoid(angles)),
    );
    await expect(openOnGpu(graph)).rejects.toThrow(
      "provider webgpu has no kernel for an operator of the model, so take the provider cpu",
    );
    expect(await unsupportedOperator(graph, {})).toBe("Cos (clock/Cos)");
  });

  // All of them take minutes.
  const isWhole = process.env.ADAREEL_WEBGPU !== undefined;
  const families = isWhole ? goldens : goldens.filter(([name]) => name === "stdit3");
  test.each(families)(
    "%s takes steps as on the CPU, with residuals and probe on the device",
    async (...named) => {
      const [name, className] = named;
      const golden = await readGolden(name);
      const cases = await readCases<GoldenCase>(name);
      const { dit, both: feeds } = await preparedCase(golden, className, cases, 0);
      const signals = ["change", "motionScore"] as const;
      const { weights } = golden;
      const exact = await run(buildFull(dit, { weights, signals }), weights, feeds);
      const weighed = { ...feeds, residualWeights: tensor([2]) };
      const kept = { [cutNames.residual]: exact.residual!, [cutNames.previousResidual]: exact.probe! };
      const exactReuse = await run(buildReuse(dit, { weights }), weights, { ...feeds, ...kept });
      const exactForecast = await run(buildForecast(dit, { weights }), weights, { ...weighed, ...kept });

      const options = { weights, provider: "webgpu" } as const;
      const folder = { weightsFolder: weights.root };
      const full = await openOnGpu(buildFull(dit, { ...options, signals }), {
        ...folder,
        keptOutputs: [cutNames.residual, cutNames.probe],
      });
      const reuse = await openOnGpu(buildReuse(dit, options), folder);
      const forecast = await openOnGpu(buildForecast(dit, options), folder);
      const out = await full.run(feeds);
      const onDevice = { [cutNames.residual]: out.residual!, [cutNames.previousResidual]: out.probe! };
      const found = [
        [out.prediction, exact.prediction],
        [out.change, exact.change],
        [out.motionScore, exact.motionScore],
        [(await reuse.run({ ...feeds, ...onDevice })).prediction, exactReuse.prediction],
        [(await forecast.run({ ...weighed, ...onDevice })).prediction, exactForecast.prediction],
      ].map(([given, wanted]) => relativeError(given, wanted!.data as Float32Array));
      const again = await full.run({ ...feeds, [cutNames.previousProbe]: out.probe! });
      expect(again.change!.data[0]).toBe(0);
      for (const { residual, probe } of [out, again]) for (const held of [residual, probe]) held!.release!();
      for (const session of [full, reuse, forecast]) await session.release();
      expect(Math.max(...found)).toBeLessThan(TOLERANCE);
    },
    400_000,
  );
});

describe("the check of a driver", () => {
  const errorOf = (error: number) => async () => [
    { operator: "attention", error },
    { operator: "sum", error: 1e-7 },
  ];

  test("a driver that computes an operator wrongly is refused by the operator's name and its error", async () => {
    await expect(assertComputes("webgpu", errorOf(0.035))).rejects.toThrow(
      new SessionError(
        "the driver of this GPU computes attention wrongly (off by 3.5 %), so take the provider cpu",
        {
          fault: "wrong_numbers",
        },
      ),
    );
    await expect(assertComputes("webgpu", errorOf(Number.POSITIVE_INFINITY))).rejects.toThrow(
      /computes attention/,
    );
    await expect(assertComputes("webgpu", errorOf(OPERATOR_ERROR_MAX))).resolves.toBeUndefined();
  });

  test("the providers whose libraries are tested for arithmetic are not checked", async () => {
    await expect(assertComputes("cpu", errorOf(1))).resolves.toBeUndefined();
    await expect(assertComputes("cuda", errorOf(1))).resolves.toBeUndefined();
  });

  test("the check finds no error of the CPU against itself", async () => {
    const errors = await operatorErrors("cpu");
    expect(errors.filter(({ error }) => error !== 0)).toEqual([]);
  });
});
