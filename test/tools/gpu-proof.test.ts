import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { openModelFolder } from "../../lib/generation/checkpoint/index.ts";
import { buildFull, buildReuse, buildSegment } from "../../lib/generation/models/index.ts";
import { ADACACHE_SIGNALS, openTransformer } from "../../tools/bench/model/part.ts";
import { randomWeight, writeModel } from "../../tools/bench/model/random-model.ts";
import { shortened, timedModels, wholeModel } from "../../tools/bench/model/timed-models.ts";
import { drawnModel, keepIn, measurePart } from "../../tools/gpu-proof/measure.ts";
import { PROOF_SECONDS, type ProofPart, partsOf, secondsFor } from "../../tools/gpu-proof/plan.ts";
import { partAfter, runProof } from "../../tools/gpu-proof/proof.ts";
import { proofReport } from "../../tools/gpu-proof/report.ts";
import type { PartResults, ProofResults } from "../../tools/gpu-proof/results.ts";

const scratch = mkdtempSync(join(tmpdir(), "adareel-proof-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const parts = partsOf(timedModels);

describe("the plan of a proof", () => {
  test("a proof measures every model at a small size before any at its default video", () => {
    const sizes = parts.map(({ size }) => size);
    expect(sizes.indexOf("whole")).toBe(timedModels.length);
    expect(new Set(parts.filter(({ size }) => size === "whole").map(({ family }) => family.name))).toEqual(
      new Set(timedModels.map(({ name }) => name)),
    );
    expect(new Set(parts.map(({ id }) => id)).size).toBe(parts.length);
  });

  test("a part has its whole limit while there is time, and what is left of it later", () => {
    expect(secondsFor({ least: 20, most: 75 }, 400)).toBe(75);
    expect(secondsFor({ least: 20, most: 75 }, 45)).toBe(40);
  });

  test("a part is not begun in less time than it needs, so that a proof ends in time", () => {
    expect(secondsFor({ least: 20, most: 75 }, 24)).toBeNull();
  });

  test("parts that all take as long as they may end within the proof", () => {
    let left = PROOF_SECONDS;
    for (const part of parts) left -= secondsFor(part, left) ?? 0;
    expect(left).toBeGreaterThan(0);
  });
});

describe("graphs for a GPU", () => {
  for (const family of timedModels) {
    test(`the float16 graphs of ${family.name} at its published width are built for CUDA`, async () => {
      const folder = join(scratch, family.name);
      await writeModel(folder, shortened(family), {
        video: family.stepVideo,
        fills: { transformer: "hole" },
      });
      const { dit, weights } = await openTransformer(await openModelFolder(folder), family.stepVideo);
      const options = { weights, signals: ADACACHE_SIGNALS, provider: "cuda" } as const;
      const [wide, narrow] = [
        buildFull(dit, { ...options, precision: "float32" }),
        buildFull(dit, { ...options, precision: "float16" }),
      ].map((graph) => graph.build().length);
      expect(narrow).toBeGreaterThan(wide!); // the casts
      expect(buildReuse(dit, options).build().length).toBeGreaterThan(0);
      expect(buildSegment(dit, { ...options, reused: 4 }).build().length).toBeGreaterThan(narrow!);
    });
  }
});

describe("a part that is measured on the CPU", async () => {
  const model = await openModelFolder("models/demo");
  const part: ProofPart = {
    id: "demo-small",
    family: wholeModel("Demo model", model),
    size: "small",
    checksCpu: true,
    forms: [],
    least: 0,
    most: 60,
  };
  const kept: PartResults[] = [];
  const results = await measurePart(part, {
    provider: "cpu",
    model,
    keep: (now) => kept.push(structuredClone(now)),
  });

  test("a part times float32 and float16 steps, reused ones, and a segment beside single steps", () => {
    const whats = ["computed", "computed, residual fetched", "reused", "segment, 1 + 4", "one by one, 1 + 4"];
    const both = ["float16", "float32"].flatMap((precision) => whats.map((what) => ({ what, precision })));
    expect(results.timed.map(({ what, precision }) => ({ what, precision }))).toEqual(both);
    expect(results.state).toBe("done");
  });

  test("a part compares float16 with float32, and float32 with that of the CPU", () => {
    const [narrow, same] = results.checked;
    // Float16 has 11 bits: 5e-4 a product, more over twelve blocks.
    expect(narrow!.difference).toBeGreaterThan(1e-6);
    expect(narrow!.difference).toBeLessThan(2e-2);
    expect(same!.difference).toBe(0);
  });

  test("a part keeps its results after every measurement, so that a cut loses one at most", () => {
    const counts = kept.map(({ timed, checked }) => timed.length + checked.length);
    expect(counts).toEqual([...Array.from({ length: 13 }, (_, count) => count), 12]);
  });
});

test("weights are drawn once for all parts of a model", async () => {
  const demo = wholeModel("Demo model", await openModelFolder("models/demo"));
  const folder = join(scratch, "drawn");
  const drawn = await drawnModel(demo, folder);
  const name = "final_layer.linear.weight";
  const weights = await drawn.part("transformer").checkpoint();
  expect(await weights.read(name)).toEqual(randomWeight(name, weights.info(name).shape));
  writeFileSync(join(folder, "transformer/kept"), "");
  await drawnModel(demo, folder);
  rmSync(join(folder, "transformer/kept")); // throws if the folder was drawn anew
});

describe("the end of a part", () => {
  const path = join(scratch, "ended.json");
  const running: PartResults = {
    id: "a",
    family: "Sample family",
    extent: "9 x 64x64",
    state: "running",
    problem: null,
    timed: [{ what: "computed", precision: "float16", runs: [4, 5, 6], memory: 100 }],
    checked: [],
  };

  test("a part that was cut off keeps what it had measured", async () => {
    keepIn(path)(running);
    const ended = await partAfter("a", path, { isCut: true, code: null, complaint: "" });
    expect(ended).toEqual({ ...running, state: "cut off" });
  });

  test("a part that failed tells the first line that names an error", async () => {
    keepIn(path)(running);
    const complaint = "SessionError: out of memory\n    at run\n\nNode.js v20\n";
    const ended = await partAfter("a", path, { isCut: false, code: 1, complaint });
    expect(ended).toMatchObject({ state: "failed", problem: "SessionError: out of memory" });
  });

  test("a part that CUDA ended tells CUDA's reason, which onnxruntime puts behind its own call", async () => {
    keepIn(path)(running);
    const complaint =
      "SessionError: /src/cuda_call.cc:154 [with T = int] CUDA failure 2: out of memory ; GPU=0\n";
    const ended = await partAfter("a", path, { isCut: false, code: 1, complaint });
    expect(ended.problem).toBe("CUDA failure 2: out of memory");
  });

  test("a part that wrote nothing is a failure with its exit code", async () => {
    const ended = await partAfter("b", join(scratch, "none.json"), { isCut: false, code: 7, complaint: "" });
    expect(ended).toMatchObject({ id: "b", state: "failed", problem: "exit code 7", timed: [] });
  });
});

describe("the table of a proof", () => {
  const timed = (what: string, precision: string, ms: number, memory: number | null = null) => ({
    what,
    precision,
    runs: [ms, 3 * ms, ms],
    memory,
  });
  const part: PartResults = {
    id: "sample-small",
    family: "Sample family",
    extent: "9 x 64x64, 2 blocks",
    state: "cut off",
    problem: null,
    timed: [
      timed("computed", "float32", 20),
      timed("computed", "float16", 10, 3000),
      timed("computed, residual fetched", "float16", 12),
      timed("reused", "float16", 2),
      timed("segment, 1 + 4", "float16", 15),
      timed("one by one, 1 + 4", "float16", 20),
      timed("PyTorch", "float16", 9, 4000),
      timed("PyTorch", "bfloat16", 8, 4100),
    ],
    checked: [{ what: "float16 from float32, cuda", difference: 0.0012 }],
  };
  const proof: ProofResults = {
    machine: {
      gpu: "Sample GPU",
      memory: 24_576,
      driver: "580.1",
      processor: "Sample CPU, 8 cores",
      torch: { version: "2.15.0", cuda: "13.0" },
      date: "2026-01-31",
    },
    parts: [part],
    left: ["other-whole"],
  };
  const report = proofReport(proof);

  test("the table puts ours in float16 beside PyTorch's fastest form of 16 bits", () => {
    expect(report).toContain("| 20.0 | 10.0 | – | 8.00 (bfloat16) | 0.80 | 3000 | 4100 |");
  });

  test("the table puts a segment beside the same steps one by one", () => {
    expect(report).toContain("| float16 | 12.0 | 2.00 | 1 + 4 | 20.0 | 0.75 |");
  });

  test("the table says what was cut off and for what no time was left", () => {
    expect(report).toContain("- sample-small: cut off.");
    expect(report).toContain("- No time was left for other-whole.");
  });
});

test("a proof on a machine without a GPU says so in one line and ends well", async () => {
  vi.stubEnv("PATH", scratch);
  const said: string[] = [];
  expect(await runProof([], (line) => said.push(line))).toBe(0);
  vi.unstubAllEnvs();
  expect(said).toEqual(["no GPU: nvidia-smi finds none here, so nothing is measured."]);
});
