import { type ApiResults, ROUTES } from "../../tools/bench/api/results.ts";
import type { ModelResults, TorchForm } from "../../tools/bench/model/results.ts";
import { SESSIONS, type StepResults } from "../../tools/bench/step/results.ts";

export const sampleCircumstances = {
  command: "npm run bench -- sample",
  date: "2026-01-31",
  machine: {
    processor: "Sample CPU",
    cores: 2,
    memoryBytes: 8 * 2 ** 30,
    platform: "linux x64",
    node: "v20.19.0",
    packages: { "onnxruntime-node": "1.30.0" },
  },
  loadBefore: 0.1,
  model: { name: "demo", sha256: "0123456789abcdef".repeat(4) },
};

/** Sample results of `step`: the machine is three times as slow in the second round, for both sides. */
export function sampleStepResults(): StepResults {
  const slowness = [1, 3, 1];
  const rounds = (milliseconds: number) => slowness.map((factor) => factor * milliseconds);
  return {
    kind: "step",
    circumstances: sampleCircumstances,
    timings: [
      {
        threads: 1,
        computed: rounds(20),
        reused: rounds(0.4),
        unguided: { computed: rounds(10), reused: rounds(0.25) },
        torch: { version: "2.15.0", written: rounds(50), fused: rounds(30) },
      },
      {
        threads: 2,
        computed: rounds(12),
        reused: rounds(0.6),
        unguided: { computed: rounds(6), reused: rounds(0.4) },
        torch: "not timed: no torch.",
      },
    ],
    segments: {
      threads: 2,
      lengths: [
        { reused: 1, segment: rounds(12), stepwise: rounds(12.5), graphBytes: 256e3, open: 700 },
        { reused: 8, segment: rounds(15), stepwise: rounds(20), graphBytes: 304e3, open: 800 },
      ],
    },
    sessions: SESSIONS.map((name, index) => ({
      name,
      probes: [
        {
          build: 10,
          open: 30 + index,
          graphBytes: 20_000,
          memory:
            index === 0
              ? null
              : { opened: { anonymous: 5e6, file: 20e6 }, ran: { anonymous: 7e6, file: 20e6 } },
        },
      ],
    })),
    command: {
      prompt: "a red circle moves fast to the left over blue stripes",
      runs: [
        { cache: "fast", seconds: [2.4, 2.5, 2.6] },
        { cache: "off", seconds: [15.1, 15.2, 15.3] },
      ],
    },
  };
}

/**
 * Sample results of `api`: our server is ten times as slow, and the machine three times as slow in the second
 * round.
 */
export function sampleApiResults(): ApiResults {
  const rounds = (milliseconds: number) =>
    [1, 3, 1].map((slowness) => ({
      perSecond: 1000 / (milliseconds * slowness),
      p50: milliseconds * slowness,
      p99: 5 * milliseconds * slowness,
      cpu: milliseconds,
    }));
  return {
    kind: "api",
    circumstances: sampleCircumstances,
    loadAfter: 1.2,
    isPinned: true,
    loads: ROUTES.map((route) => ({
      route,
      connections: 16,
      requests: { ours: 200, bare: 1000 },
      ours: rounds(2),
      bare: rounds(0.2),
    })),
    start: { answered: [4, 5, 9], begun: [10, 12, 30] },
    memory: {
      keys: 12,
      points: [
        { jobs: 100, resident: 120e6, heap: 20e6, getCpu: 0.5 },
        { jobs: 5000, resident: 130e6, heap: 22e6, getCpu: 0.5 },
        { jobs: 10_000, resident: 130e6, heap: 22.1e6, getCpu: 0.6 },
      ],
      folder: { entries: 60_000, bytes: 12e6, diskBytes: 240e6 },
    },
    idempotency: { posts: 1000, statuses: { "200": 1000 }, ids: 1, listed: 1, seconds: 2.5 },
  };
}

/**
 * Sample results of `model`: a step in two precisions, a decoder whose float32 is slower than PyTorch's, and a text
 * encoder without PyTorch.
 */
export function sampleModelResults(): ModelResults {
  const slowness = [1, 3, 1];
  const rounds = (milliseconds: number) => slowness.map((factor) => factor * milliseconds);
  const float32 = { precision: "float32", difference: 0, runs: rounds(100) };
  const timing = { family: "Sample family", extent: "a part", threads: 1, ours: [float32], reuse: null };
  const form = (name: TorchForm, milliseconds: number) => ({
    form: name,
    attention: "fused",
    difference: 2e-6,
    runs: rounds(milliseconds),
  });
  const version = "2.15.0";
  const opening = { build: 100, open: 200, run: null, graphBytes: 1e6, weightBytes: 2e8, memory: null };
  const video = { width: 100, height: 50, frames: 2, fps: 8 };
  return {
    kind: "model",
    circumstances: { ...sampleCircumstances, model: null },
    commands: ["npm run bench -- sample"],
    loadAfter: 1.5,
    timings: [
      {
        ...timing,
        subject: "step",
        ours: [float32, { precision: "int8", difference: 0.01, runs: rounds(40) }],
        reuse: { runs: rounds(10), blocks: 2, publishedBlocks: 28 },
        torch: {
          version,
          forms: [
            form("float32", 150),
            { ...form("bfloat16", 50), runs: [50] },
            { form: "compiled float32", problem: "no compiler was found" },
          ],
        },
      },
      { ...timing, subject: "decoder", threads: 2, torch: { version, forms: [form("float32", 50)] } },
      { ...timing, subject: "text", torch: "not timed: no torch." },
    ],
    decoders: [
      {
        family: "Sample family",
        session: "decoder",
        video,
        opening: { ...opening, run: 5, memory: { before: 0.5e8, peak: 3e8 } },
      },
    ],
    openings: [{ family: "Sample family", session: "full", video, opening }],
  };
}
