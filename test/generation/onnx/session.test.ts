import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listSupportedBackends } from "onnxruntime-node";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  add,
  type DType,
  Graph,
  linear,
  neg,
  openSession,
  SessionError,
  type WeightSource,
} from "../../../lib/generation/onnx/index.ts";
import { tensor } from "./run-graph.ts";

const folder = mkdtempSync(join(tmpdir(), "adareel-session-"));
afterAll(() => rmSync(folder, { recursive: true }));

function negation(): Uint8Array {
  const graph = new Graph();
  graph.output("y", neg(graph.input("x", "float32", [2])));
  return graph.build();
}

const x = { dtype: "float32", shape: [2], data: Float32Array.of(1, -2) } as const;

describe("a session", () => {
  test("a session returns every output under its name, with type and shape", async () => {
    const session = await openSession(negation(), { threads: 1 });
    expect(session.inputs).toEqual(["x"]);
    expect(await session.run({ x })).toEqual({
      y: { dtype: "float32", shape: [2], data: Float32Array.of(-1, 2) },
    });
    await session.release();
  });

  test("a session returns only the outputs that are asked for", async () => {
    const graph = new Graph();
    const input = graph.input("x", "float32", [2]);
    graph.output("y", neg(input));
    graph.output("sum", add(input, input));
    const session = await openSession(graph.build(), { threads: 1 });
    expect(Object.keys(await session.run({ x }))).toEqual(["y", "sum"]);
    expect(await session.run({ x }, ["sum"])).toEqual({
      sum: { dtype: "float32", shape: [2], data: Float32Array.of(2, -4) },
    });
    await session.release();
  });

  test("a session ignores feeds the graph does not read, and names a missing one", async () => {
    const session = await openSession(negation(), { threads: 1 });
    await expect(session.run({ x, other: x })).resolves.toHaveProperty("y");
    await expect(session.run({ other: x })).rejects.toThrow(new SessionError("the model needs the input x"));
    await session.release();
  });

  test("a session names the input whose shape is wrong", async () => {
    const session = await openSession(negation(), { threads: 1 });
    const wrong = { dtype: "float32", shape: [3], data: new Float32Array(3) } as const;
    await expect(session.run({ x: wrong })).rejects.toThrow(/^onnxruntime cannot run the model: .*x/);
    await session.release();
  });

  test("a session can be released twice and not run afterwards", async () => {
    const session = await openSession(negation(), { threads: 1 });
    await session.release();
    await session.release();
    await expect(session.run({ x })).rejects.toThrow("the session was released and cannot run");
  });

  test("a session gives the same bits on every run, with one thread and with two", async () => {
    const graph = new Graph();
    const input = graph.input("x", "float32", [64, 96]);
    const weight = graph.constant(tensor([128, 96], 2).data, [128, 96]);
    graph.output("y", linear(input, weight));
    const model = graph.build();
    const feeds = { x: tensor([64, 96], 1) };
    const runs: unknown[] = [];
    for (const threads of [1, 1, 2]) {
      const session = await openSession(model, { threads });
      runs.push((await session.run(feeds)).y, (await session.run(feeds)).y);
      await session.release();
    }
    for (const run of runs) expect(run).toEqual(runs[0]);
  });

  test("a session reports bytes that are no model in one line", async () => {
    await expect(openSession(Uint8Array.of(1, 2, 3))).rejects.toThrow(
      /^onnxruntime cannot open the model: [^\n]+$/,
    );
  });

  test("a session lists the available providers when the requested one is missing", async () => {
    const names = listSupportedBackends().map((backend) => backend.name as string);
    const absent = (["cuda", "webgpu"] as const).find((provider) => !names.includes(provider));
    if (!absent) return;
    const all = names.join(", ");
    const message = `provider ${absent} is not in this installation of onnxruntime-node, which has ${all}`;
    await expect(openSession(negation(), { provider: absent })).rejects.toThrow(new SessionError(message));
  });
});

test("onnxruntime is loaded when a session opens, and its failure to load is one sentence", async () => {
  const load = vi.fn(() => {
    throw new Error("Cannot find module 'onnxruntime_binding.node'\nRequire stack:\n- binding.js");
  });
  vi.doMock("onnxruntime-node", load);
  vi.resetModules();
  onTestFinished(() => {
    vi.doUnmock("onnxruntime-node");
    vi.resetModules();
  });
  const fresh = await import("../../../lib/generation/pipeline/index.ts");
  expect(fresh.openPipeline).toBeTypeOf("function");
  expect(load).not.toHaveBeenCalled();

  const { openSession, SessionError } = await import("../../../lib/generation/onnx/index.ts");
  const fault = await openSession(negation()).catch((error: unknown) => error);
  expect(load).toHaveBeenCalled();
  expect(fault).toBeInstanceOf(SessionError);
  const { platform, arch } = process;
  const sentence = `onnxruntime has no build for ${platform} ${arch}, or it cannot be loaded: `;
  expect((fault as Error).message).toMatch(new RegExp(`^${sentence}[^\\n]+$`));
});

describe("weights are read from the file", () => {
  const values = [1.5, -2, 0.25, 384, -0.0078125, 3];
  // All values are exact in 8 bits of mantissa, so the three types hold the same numbers.
  const encoded: Record<string, { dtype: DType; bytes: Uint8Array }> = {
    float32: { dtype: "float32", bytes: new Uint8Array(Float32Array.from(values).buffer) },
    bfloat16: { dtype: "bfloat16", bytes: upperHalves(values) },
    float16: {
      dtype: "float16",
      bytes: new Uint8Array(Uint16Array.of(0x3e00, 0xc000, 0x3400, 0x5e00, 0xa000, 0x4200).buffer),
    },
  };

  for (const offset of [0, 1, 3, 275]) {
    test.each(Object.keys(encoded))(`a %s weight is read from offset ${offset}`, async (type) => {
      const { dtype, bytes } = encoded[type]!;
      const location = `${type}-${offset}.bin`;
      writeFileSync(
        join(folder, location),
        Buffer.concat([Buffer.alloc(offset, 0xee), bytes, Buffer.of(0xee)]),
      );
      const weights: WeightSource = {
        tensor: (_, shape) => ({ dtype, shape, location, offset, byteLength: bytes.length }),
      };
      const graph = new Graph({ weights });
      graph.output("y", add(graph.weight("w", [2, 3]), graph.input("x", "float32", [1])));
      const session = await openSession(graph.build(), { weightsFolder: folder, threads: 1 });
      const { y } = await session.run({ x: { dtype: "float32", shape: [1], data: new Float32Array(1) } });
      expect(y!.data).toEqual(Float32Array.from(values));
      await session.release();
    });
  }

  test("weights give the same results whether they are copied or mapped", async () => {
    const data = tensor([48, 32], 3).data;
    writeFileSync(join(folder, "big.bin"), Buffer.concat([Buffer.alloc(7), new Uint8Array(data.buffer)]));
    const weights: WeightSource = {
      tensor: (_, shape) => ({
        dtype: "float32",
        shape,
        location: "big.bin",
        offset: 7,
        byteLength: data.byteLength,
      }),
    };
    const graph = new Graph({ weights });
    graph.output("y", linear(graph.input("x", "float32", [5, 32]), graph.weight("w", [48, 32])));
    const results: unknown[] = [];
    for (const weightBytes of [graph.weightBytes, 2 ** 40]) {
      const session = await openSession(graph.build(), { weightsFolder: folder, weightBytes, threads: 1 });
      results.push(Array.from((await session.run({ x: tensor([5, 32], 4) })).y!.data as Float32Array));
      await session.release();
    }
    const [copied, mapped] = results as [number[], number[]];
    for (const [index, value] of copied.entries()) expect(mapped[index]).toBeCloseTo(value, 5);
  });

  test("a missing file of weights is named", async () => {
    const weights: WeightSource = {
      tensor: (_, shape) => ({ dtype: "float32", shape, location: "gone.bin", offset: 0, byteLength: 4 }),
    };
    const graph = new Graph({ weights });
    graph.output("y", graph.weight("w", [1]));
    await expect(openSession(graph.build(), { weightsFolder: folder })).rejects.toThrow(/gone\.bin/);
  });
});

function upperHalves(values: readonly number[]): Uint8Array {
  const words = new Uint16Array(Float32Array.from(values).buffer);
  return new Uint8Array(Uint16Array.from(words.filter((_, index) => index % 2 === 1)).buffer);
}
