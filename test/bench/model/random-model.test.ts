import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import { randomWeight, wantedShapes } from "../../../tools/bench/model/random-model.ts";
import { writeWeights } from "../../../tools/bench/model/safetensors-file.ts";
import {
  publishedDepth,
  shortened,
  type TimedModel,
  timedModels,
} from "../../../tools/bench/model/timed-models.ts";
import { sparseModels } from "../../generation/pipeline/sparse-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "adareel-bench-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const named = (name: string): TimedModel => timedModels.find((timed) => timed.name === name)!;
const written = {
  "Open-Sora 1.2": sparseModels["open-sora-1.2"],
  "Latte-1": sparseModels["latte-1"],
  "Open-Sora-Plan 1.1": sparseModels["open-sora-plan-1.1"],
  "Wan2.1 1.3B": sparseModels["wan2.1-1.3b"],
  "LTX-Video 0.9.0": sparseModels["ltx-video-0.9.0"],
};

describe("the weights of a family", () => {
  for (const [name, { parts }] of Object.entries(written)) {
    test(`the weights of ${name} have the shapes of its published checkpoint`, () => {
      const { transformer } = parts;
      const shapes = wantedShapes("transformer", named(name).parts, named(name).stepVideo);
      for (const [tensor, shape] of shapes) expect(transformer.tensors.get(tensor), tensor).toEqual(shape);
      // All other tensors are read by the host or not at all.
      const others = [...transformer.tensors.keys()].filter((tensor) => !shapes.has(tensor));
      expect(others.filter((tensor) => !/y_embedding$|^rope\.freqs$/.test(tensor))).toEqual([]);
    });
  }
});

test("a shortened transformer has the first blocks of the whole one", () => {
  const latte = named("Latte-1");
  const whole = wantedShapes("transformer", latte.parts, latte.stepVideo);
  const short = wantedShapes("transformer", shortened(latte), latte.stepVideo);
  expect(publishedDepth(latte)).toBe(28);
  expect([...short.keys()].filter((name) => name.endsWith("attn1.to_q.weight"))).toHaveLength(4);
  for (const [name, shape] of short) expect(whole.get(name)).toEqual(shape);
});

describe("a file of weights", () => {
  const shapes = new Map([
    ["blocks.0.norm.weight", [64]],
    ["blocks.0.to_q.weight", [64, 32]],
  ]);

  test("a file of weights holds what it was given under every name", async () => {
    const path = join(scratch, "random.safetensors");
    await writeWeights(path, shapes, randomWeight);
    const checkpoint = await Checkpoint.open(path);
    expect(checkpoint.names()).toEqual([...shapes.keys()]);
    for (const [name, shape] of shapes)
      expect(await checkpoint.read(name)).toEqual(randomWeight(name, shape));
  });

  test("a sparse file of weights has its whole size, reads as zeros and takes no disk space", async () => {
    const path = join(scratch, "hole.safetensors");
    await writeWeights(path, new Map([["w", [4096, 4096]]]));
    expect(statSync(path).size).toBeGreaterThan(2 ** 26);
    expect(statSync(path).blocks * 512).toBeLessThan(2 ** 20);
    expect((await (await Checkpoint.open(path)).read("w")).every((value) => value === 0)).toBe(true);
  });
});

describe("random weights", () => {
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanSquare = (values: Float32Array) => mean(values.map((value) => value * value));

  test("random weights of a matrix preserve the magnitude of their input", () => {
    expect(meanSquare(randomWeight("to_q.weight", [64, 256])) * 256).toBeCloseTo(1, 1);
  });

  test("random weights that multiply are near one, and biases near zero", () => {
    expect(mean(randomWeight("norm1.weight", [4096]))).toBeCloseTo(1, 1);
    expect(mean(randomWeight("norm1.gamma", [4096, 1, 1]))).toBeCloseTo(1, 1);
    expect(mean(randomWeight("norm1.bias", [4096]))).toBeCloseTo(0, 1);
  });

  test("random weights are the same for the same name and differ for another", () => {
    expect(randomWeight("a.weight", [8, 8])).toEqual(randomWeight("a.weight", [8, 8]));
    expect(randomWeight("a.weight", [8, 8])).not.toEqual(randomWeight("b.weight", [8, 8]));
  });
});
