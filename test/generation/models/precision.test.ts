import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished } from "vitest";
import { convertFile } from "../../../lib/generation/checkpoint/convert-file.ts";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import {
  buildFull,
  buildReuse,
  type DiffusionTransformer,
  diffusionTransformer,
  precisionOf,
} from "../../../lib/generation/models/index.ts";
import type { Graph } from "../../../lib/generation/onnx/index.ts";
import { ModelProtoSchema, TensorProto_DataType } from "../onnx/generated/onnx_pb.js";
import {
  caseFeeds,
  feedsOf,
  type Golden,
  readCases,
  readGolden,
  relativeError,
  run,
  type STDiT3Case,
  transformerOf,
} from "./golden.ts";

// Worst errors measured over all cases of all goldens: prediction of a half 7.5e-4, residual 9.5e-4, probe 2.1e-3. The
// CPU multiplies values that were rounded to float16 in float32. If every result is rounded too, as onnx's reference
// evaluator does, they are 8.0e-4, 1.1e-3 and 2.3e-3.
const TOLERANCE = 5e-3;

function transformer(golden: Golden, className: string, goldenCase: STDiT3Case): DiffusionTransformer {
  if (className === "STDiT3") return transformerOf(golden, goldenCase);
  const { config } = golden;
  const {
    latent: [frames, height, width],
    givenFrames = 0,
  } = goldenCase;
  const latent = { channels: config.in_channels, frames, height, width };
  const video = { frames: 1 + 8 * (frames - 1), height: 8 * height, width: 8 * width, fps: 8, givenFrames };
  return diffusionTransformer({ className, config }, { latent, ...video });
}

/**
 * Returns the operators with a float16 input and, for the operator `named`, the nodes with such an input and those
 * without.
 */
function nodesOf(graph: Graph, named: string) {
  const proto = fromBinary(ModelProtoSchema, graph.build()).graph!;
  const types = new Map<string, number>();
  for (const { name, type } of [...proto.input, ...proto.valueInfo, ...proto.output]) {
    if (type?.value.case === "tensorType") types.set(name, type.value.value.elemType);
  }
  for (const { name, dataType } of proto.initializer) types.set(name, dataType);
  const takesHalf = ({ input }: { input: string[] }) =>
    input.some((name) => types.get(name) === TensorProto_DataType.FLOAT16);
  const all = proto.node.filter(({ opType }) => opType === named);
  return {
    halves: new Set(proto.node.filter(takesHalf).map(({ opType }) => opType)),
    inFloat16: all.filter(takesHalf).map(({ name }) => name),
    inFloat32: all.filter((node) => !takesHalf(node)).map(({ name }) => name),
  };
}

describe.each([
  ["stdit3", "STDiT3"],
  ["stdit3-no-qk-norm", "STDiT3"],
  ["stdit3-given-frames", "STDiT3"],
  ["latte", "LatteTransformer3DModel"],
  ["open-sora-plan", "LatteT2V"],
  ["wan", "WanTransformer3DModel"],
  ["ltx", "LTXVideoTransformer3DModel"],
  ["ltx-given-frames", "LTXVideoTransformer3DModel"],
])("%s with blocks in float16", async (name, className) => {
  const golden = await readGolden(name);
  const [goldenCase] = (await readCases<STDiT3Case>(name)) as [STDiT3Case];
  const dit = transformer(golden, className, goldenCase);
  const signals = ["change", "motionScore"] as const;

  it("a float16 transformer computes float32's prediction, residual and probe within 5e-3", async () => {
    const feeds = await (className === "STDiT3"
      ? feedsOf(golden, 0, goldenCase, 1)
      : caseFeeds(dit, golden, 0, goldenCase, 1));
    const exact = await run(buildFull(dit, { ...golden, signals }), golden.weights, feeds);
    for (const provider of ["cpu", "cuda", "webgpu"] as const) {
      const graph = buildFull(dit, { ...golden, signals, provider, precision: "float16" });
      const out = await run(graph, golden.weights, feeds);
      for (const output of ["prediction", "residual", "probe"] as const) {
        const error = relativeError(out[output], exact[output]!.data as Float32Array);
        expect(error, `${output} for ${provider}`).toBeLessThan(TOLERANCE);
        expect(error, `${output} for ${provider}`).toBeGreaterThan(1e-5);
      }
      expect(out.motionScore!.data[0]).toBeCloseTo(Number(exact.motionScore!.data[0]), 3);
    }
  });

  it("a float16 transformer multiplies in float16 in its blocks, and nowhere else", () => {
    const graph = buildFull(dit, { ...golden, provider: "cuda" });
    const linear = nodesOf(graph, "Gemm");
    const isOutside = (node: string) => /^(embed|head)\//.test(node);
    expect(linear.inFloat16.filter(isOutside)).toEqual([]);
    expect(linear.inFloat32.filter((node) => !isOutside(node))).toEqual([]);
    const attention = nodesOf(graph, "Attention");
    expect(attention.inFloat32).toEqual([]);
    expect(attention.inFloat16.length).toBeGreaterThanOrEqual(dit.blocks);
    const passed = ["Cast", "Concat", "Expand", "Gelu", "Reshape", "Split", "Transpose"];
    expect([...linear.halves].filter((opType) => !passed.includes(opType)).sort()).toEqual([
      "Attention",
      "Gemm",
    ]);
  });

  it("the reuse graph has no float16, and a full graph has it only on CUDA", () => {
    const reuse = (provider: "cpu" | "cuda") => buildReuse(dit, { ...golden, provider }).build();
    expect(reuse("cuda")).toEqual(reuse("cpu"));
    expect(nodesOf(buildFull(dit, golden), "Gemm").inFloat16).toEqual([]);
  });
});

describe("STDiT3 with blocks in float16, over weights stored in 16 bit", async () => {
  const golden = await readGolden("stdit3");
  const [goldenCase] = (await readCases<STDiT3Case>("stdit3")) as [STDiT3Case];
  const dit = transformerOf(golden, goldenCase);

  async function storedAs(dtype: "F16" | "BF16"): Promise<Checkpoint> {
    const folder = await mkdtemp(join(tmpdir(), "adareel-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const target = join(folder, "model.safetensors");
    await convertFile({
      source: join(golden.folder, "model.safetensors"),
      target,
      targetDType: () => dtype,
    });
    return Checkpoint.open(target);
  }

  it.each(["F16", "BF16"] as const)(
    "the transformer computes from %s weights the residual that float32 computes from them",
    async (dtype) => {
      const weights = await storedAs(dtype);
      const feeds = await feedsOf(golden, 0, goldenCase, 1);
      const exact = await run(buildFull(dit, { weights }), weights, feeds);
      const { residual } = await run(buildFull(dit, { weights, provider: "cuda" }), weights, feeds);
      expect(relativeError(residual, exact.residual!.data as Float32Array)).toBeLessThan(TOLERANCE);
    },
  );
});

it("the default precision is float16 on CUDA and float32 elsewhere", () => {
  expect(precisionOf({ provider: "cuda" })).toBe("float16");
  expect(precisionOf({ provider: "cuda", precision: "float32" })).toBe("float32");
  expect(precisionOf({ provider: "webgpu" })).toBe("float32");
  expect(precisionOf({ provider: "cpu" })).toBe("float32");
  expect(precisionOf({})).toBe("float32");
});
