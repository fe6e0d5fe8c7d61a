import { cacheTrace, publishedCache } from "../../../../lib/generation/caching/index.ts";
import { policyOf, type ResolvedRequest } from "../../../../lib/generation/request/index.ts";
import type { Receipt } from "../../../../lib/service/jobs/index.ts";
import { outcomeOf, type Quote } from "../../../../lib/service/quotes/index.ts";

/** Steps of the sample video: the number that the measurements below belong to. */
export const SAMPLE_STEPS = 30;

/** Computed steps of a real video: step, change, motion score, motion factor, distance, rate. */
const MEASURED: readonly (readonly (number | null)[])[] = [
  [1, null, 0.238, null, null, null],
  [2, 0.438, 0.224, 1, 0.438, 1],
  [3, 0.42, 0.244, 1, 0.42, 1],
  [4, 0.366, 0.267, 9.513, 3.48, 1],
  [5, 0.246, 0.281, 0.34, 0.084, 5],
  [10, 0.54, 0.295, 0.2, 0.022, 6],
  [16, 0.335, 0.317, 0.359, 0.02, 6],
  [22, 0.336, 0.349, 0.86, 0.048, 6],
  [28, 0.518, 0.409, 1.911, 0.165, 4],
  [29, 0.152, 0.42, 1, 0.038, 6],
  [30, 0.25, 0.417, 1, 0.042, 6],
];

/** Returns the receipt of a video that was made in {@link SAMPLE_STEPS} steps. */
export function sampleReceipt(request: ResolvedRequest, quote: Quote): Receipt {
  const computed = MEASURED.map(([step]) => step!);
  const all = Array.from({ length: SAMPLE_STEPS }, (_, index) => index + 1);
  const reused = all.filter((step) => !computed.includes(step));
  return {
    steps: {
      requested: SAMPLE_STEPS,
      computed: computed.length,
      reused: reused.length,
      computed_indices: computed,
      reused_indices: reused,
    },
    schedule: MEASURED.map(([step, change, score, factor, distance, rate]) => ({
      step: step!,
      change: change!,
      motion_score: score!,
      motion_factor: factor!,
      distance: distance!,
      rate: rate!,
    })),
    cache: publishedCache(cacheTrace("sample", policyOf(request), [])),
    promise: null,
    loras: [],
    notes: [],
    speedup: 2.72,
    seconds: {
      queue: 0.09,
      load: 1.65,
      encode: 0.01,
      denoise: 0.45,
      decode: 0.18,
      write: 0.51,
      upload: 0.04,
      total: 2.96,
    },
    quote: {
      basis: quote.basis,
      seconds: quote.seconds,
      cost: quote.cost,
      outcome: outcomeOf(quote, { total: 2.96, made: 2.87 }),
    },
    comparison: null,
    prompt: { tokens: 9, is_truncated: false, is_negative_truncated: false, read: null, negative_read: null },
    video: {
      bytes: 8514,
      sha256: "c6c9364b68b33b084634de0185536f30024daa41f1ca0535c8d2eca40f879359",
      encoder: "ffmpeg",
    },
    provenance: {
      kind: "c2pa",
      signer: "Example Videos",
      is_development: false,
      unsigned_sha256: "5f1bd6b4ad5a4e1c6a5e3d7c0d7a42c2e7b4f6f1b8e2a95f7ad8d1bb7b9cbb1e",
      note: null,
    },
    attempt: 1,
    provider: "cpu",
    precision: "float32",
    versions: { adareel: "0.1.0", node: "24.11.1", "onnxruntime-node": "1.30.0" },
    weights: {
      "model_index.json": "468a2d13b66bb467313e85e6db2b82733a692a09f4045ed6ac9a03b79f41c749",
      "transformer/model.safetensors": "dea4ff363093dbc8015a3239c522517ea2c27e62a601c0a462775d831ec13189",
    },
  };
}
