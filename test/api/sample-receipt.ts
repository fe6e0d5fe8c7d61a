import type { Receipt } from "../../lib/jobs/index.ts";

/** The receipt of four denoising steps, one of them reused. */
export function sampleReceipt(attempt: number): Receipt {
  const step = { change: null, motion_score: null, motion_factor: null, distance: null, rate: null };
  return {
    steps: { requested: 4, computed: 3, reused: 1, computed_indices: [1, 2, 4], reused_indices: [3] },
    schedule: [
      { ...step, step: 1 },
      { step: 2, change: 0.08, motion_score: 0.3, motion_factor: 1.2, distance: 0.096, rate: 2 },
      { step: 4, change: 0.2, motion_score: 0.4, motion_factor: 1.1, distance: 0.11, rate: 1 },
    ],
    cache: {
      policy: "fast",
      codebook: [
        { below: 0.1, rate: 2 },
        { below: null, rate: 1 },
      ],
      motion: { reference: 0.385, power: 8 },
      warmup_steps: 0,
    },
    speedup: 1.3,
    seconds: {
      queue: 0.1,
      load: 0,
      encode: 0.2,
      denoise: 1.5,
      decode: 0.3,
      write: 0.1,
      upload: 0.05,
      total: 2.25,
    },
    comparison: null,
    prompt: { tokens: 4, is_truncated: false, is_negative_truncated: false },
    video: { bytes: 1234, sha256: "0".repeat(64), encoder: "webp" },
    attempt,
    provider: "cpu",
    versions: { adareel: "0.1.0" },
    weights: { "transformer/model.safetensors": "1".repeat(64) },
  };
}
