import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import * as onnx from "../../../lib/generation/onnx/index.ts";
import {
  type ExternalTensor,
  Graph,
  GraphError,
  type WeightSource,
} from "../../../lib/generation/onnx/index.ts";
import { ModelProtoSchema, TensorProto_DataLocation, TensorProto_DataType } from "./generated/onnx_pb.js";

function decode(graph: Graph) {
  return fromBinary(ModelProtoSchema, graph.build());
}

/** Pretends to have any weight in the given type, all at the same offset. */
function weightsOf(dtype: ExternalTensor["dtype"]): WeightSource {
  return {
    tensor: (_, shape) => ({
      dtype,
      shape,
      location: "shards/one.safetensors",
      offset: 4096,
      byteLength: 24,
    }),
  };
}

describe("the model", () => {
  test("the model declares opset 23 with its matching IR version", () => {
    const graph = new Graph();
    graph.output("y", graph.input("x", "float32", [1]));
    const model = decode(graph);
    expect(model.irVersion).toBe(11n);
    expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([["", 23n]]);
  });

  test("the model carries inputs, outputs and intermediate values with type and shape", () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [2, 3]);
    graph.output("y", onnx.neg(onnx.transpose(x, [1, 0])));
    const { graph: proto } = decode(graph);
    const typed = (values: typeof proto extends undefined ? never : NonNullable<typeof proto>["input"]) =>
      values.map(({ name, type }) => {
        if (type?.value.case !== "tensorType") throw new Error(`${name} is not a tensor`);
        return [name, type.value.value.elemType, type.value.value.shape?.dim.map((dim) => dim.value.value)];
      });
    expect(typed(proto!.input)).toEqual([["x", TensorProto_DataType.FLOAT, [2n, 3n]]]);
    expect(typed(proto!.output)).toEqual([["y", TensorProto_DataType.FLOAT, [3n, 2n]]]);
    expect(typed(proto!.valueInfo)).toEqual([
      ["Transpose", TensorProto_DataType.FLOAT, [3n, 2n]],
      ["Neg", TensorProto_DataType.FLOAT, [3n, 2n]],
    ]);
  });

  test("node names are unique and begin with their scope path", () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [1]);
    const y = graph.scope("blocks.0", () => graph.scope("mlp", () => onnx.neg(onnx.neg(onnx.abs(x)))));
    graph.output("y", y);
    const names = decode(graph).graph!.node.map((node) => node.name);
    expect(names).toEqual(["blocks.0/mlp/Abs", "blocks.0/mlp/Neg", "blocks.0/mlp/Neg_2", "Identity"]);
  });

  test("a scope ends also when its body throws", () => {
    const graph = new Graph();
    expect(() => graph.scope("block", () => graph.fail("no"))).toThrow("block: no");
    expect(() => graph.fail("no")).toThrow("graph: no");
  });

  test("nodes, weights and inputs that no output needs are dropped", () => {
    const graph = new Graph({ weights: weightsOf("float32") });
    const x = graph.input("x", "float32", [2, 3]);
    const unused = graph.input("unused", "float32", [2, 3]);
    onnx.add(unused, graph.weight("w", [2, 3]));
    graph.output("y", onnx.neg(x));
    const { graph: proto } = decode(graph);
    expect(proto!.input.map(({ name }) => name)).toEqual(["x"]);
    expect(proto!.initializer).toEqual([]);
    expect(proto!.node.map(({ opType }) => opType)).toEqual(["Neg", "Identity"]);
  });
});

describe("constants and weights", () => {
  test("equal constants are stored once, whatever made them", () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [1]);
    const two = graph.constant(Float32Array.of(2), []);
    expect(graph.constant(Float32Array.of(9, 2).subarray(1), [])).toBe(two);
    expect(graph.constant(Float32Array.of(2), [1])).not.toBe(two);
    graph.output("y", onnx.mul(onnx.add(x, 2), two));
    const { initializer } = decode(graph).graph!;
    expect(initializer.map(({ rawData }) => rawData)).toEqual([new Uint8Array([0, 0, 0, 64])]);
  });

  test("a constant keeps its values when the caller's array changes afterwards", () => {
    const graph = new Graph();
    const values = Float32Array.of(2);
    graph.output("y", graph.constant(values, []));
    values[0] = 3;
    expect(decode(graph).graph!.initializer[0]!.rawData).toEqual(new Uint8Array([0, 0, 0, 64]));
  });

  test("a weight is external data at its place in the checkpoint, and one value", () => {
    const graph = new Graph({ weights: weightsOf("float32") });
    const weight = graph.weight("proj.weight", [2, 3]);
    expect(graph.scope("elsewhere", () => graph.weight("proj.weight", [2, 3]))).toBe(weight);
    graph.output("y", weight);
    const [tensor] = decode(graph).graph!.initializer;
    expect(tensor!.name).toBe("proj.weight");
    expect(tensor!.dims).toEqual([2n, 3n]);
    expect(tensor!.dataLocation).toBe(TensorProto_DataLocation.EXTERNAL);
    expect(Object.fromEntries(tensor!.externalData.map(({ key, value }) => [key, value]))).toEqual({
      location: "shards/one.safetensors",
      offset: "4096",
      length: "24",
    });
    expect(graph.weightBytes).toBe(24);
  });

  test.each(["float16", "bfloat16"] as const)("a %s weight is cast to float32 once", (dtype) => {
    const graph = new Graph({ weights: weightsOf(dtype) });
    const weight = graph.weight("w", [3, 4]);
    expect(weight.dtype).toBe("float32");
    expect(graph.weight("w", [3, 4])).toBe(weight);
    graph.output("y", weight);
    expect(decode(graph).graph!.node.map(({ opType }) => opType)).toEqual(["Cast", "Identity"]);
    expect(graph.weightBytes).toBe(0);
  });
});

describe("a graph that cannot be built throws GraphError beginning with the scope path", () => {
  const graph = new Graph({
    weights: {
      tensor: () => {
        throw new Error("model.safetensors: tensor w is missing");
      },
    },
  });
  const other = new Graph().input("x", "float32", [2, 3, 4]);
  const x = graph.input("x", "float32", [2, 3, 4]);
  const mask = graph.input("mask", "int64", [2, 3]);
  const vector = graph.input("vector", "float32", [5]);
  const cases: [string, () => unknown, string][] = [
    ["add", () => onnx.add(x, vector), "add: [2, 3, 4] and [5] do not broadcast"],
    ["types", () => onnx.add(x, mask), "add: cannot combine float32 with int64"],
    ["reshape", () => onnx.reshape(x, [5, -1]), "reshape: [2, 3, 4] does not fit [5, -1]"],
    [
      "transpose",
      () => onnx.transpose(x, [0, 1, 1]),
      "transpose: [0, 1, 1] does not permute the axes of [2, 3, 4]",
    ],
    [
      "concat",
      () => onnx.concat([x, vector], 0),
      "concat: float32 [2, 3, 4] and float32 [5] differ in more than axis 0",
    ],
    ["slice", () => onnx.slice(x, 1, 0, 4), "slice: 0 to 4 is not within axis 1 of [2, 3, 4]"],
    ["split", () => onnx.split(x, 2, 3), "split: axis 2 of [2, 3, 4] does not divide into"],
    ["axis", () => onnx.slice(x, 3, 0, 1), "slice: a tensor of rank 3 has no axis 3"],
    ["linear", () => onnx.linear(x, vector), "linear: input [2, 3, 4] does not fit weight [5]"],
    ["matmul", () => onnx.matmul(x, x), "matmul: [2, 3, 4] and [2, 3, 4] do not multiply"],
    [
      "layer norm",
      () => onnx.layerNorm(x, { eps: 1e-6, weight: vector }),
      "layerNorm: parameter [5] does not fit",
    ],
    [
      "groups",
      () => onnx.groupNorm(x, 2, vector, vector, 1e-6),
      "groupNorm: the channels of [2, 3, 4] do not divide",
    ],
    [
      "heads",
      () => onnx.attention({ q: x, k: x, v: x, heads: 3 }),
      "attention: q [2, 3, 4] and k [2, 3, 4] do not fit",
    ],
    [
      "mask type",
      () => onnx.attention({ q: x, k: x, v: x, heads: 2, mask: onnx.reshape(mask, [2, 1, 1, 3]) }),
      "attention: the mask is int64, not float32 or bool",
    ],
    [
      "mask shape",
      () => onnx.attention({ q: x, k: x, v: x, heads: 2, mask: vector }),
      "attention: mask [5] does not broadcast to [2, 2, 3, 3]",
    ],
    [
      "rotary",
      () => onnx.rotaryInterleaved(x, vector, vector),
      "rotaryInterleaved: input [2, 3, 4] does not fit tables",
    ],
    ["conv", () => onnx.conv2d(x, vector), "conv2d: input [2, 3, 4] does not fit weight [5]"],
    ["gather", () => onnx.gather(x, vector), "gather: indices are float32, not int32 or int64"],
    ["where", () => onnx.where(mask, x, x), "where: the condition is int64, not bool"],
    ["other graph", () => onnx.add(x, other), "x belongs to another graph"],
    ["weight", () => graph.weight("w", [1]), "model.safetensors: tensor w is missing"],
    [
      "no weights",
      () => new Graph().scope("blocks.3/attn", () => new Graph().weight("w", [1])),
      "weight w was requested",
    ],
    ["taken name", () => graph.input("x", "float32", [1]), 'the name "x" is taken'],
    [
      "constant",
      () => graph.constant(Float32Array.of(1, 2), [3]),
      "constant of 2 elements cannot have shape [3]",
    ],
    ["no output", () => new Graph().build(), "the graph has no output"],
  ];

  test.each(cases)(
    "an impossible graph throws a GraphError that begins with the scope path: %s",
    (name, build, message) => {
      const fault = () => graph.scope("blocks.3", () => graph.scope("attn", build));
      expect(fault).toThrow(GraphError);
      expect(fault).toThrow(message);
      if (!["no weights", "no output"].includes(name)) expect(fault).toThrow(/^blocks\.3\/attn: /);
    },
  );
});
