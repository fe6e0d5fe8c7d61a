import { createRequire } from "node:module";
import { publishedCache, publishedSchedule } from "../../lib/generation/caching/index.ts";
import { type Generation, savings } from "../../lib/generation/pipeline/index.ts";
import type { Sealed } from "../../lib/generation/provenance/index.ts";
import type { Encoder } from "../../lib/generation/video/index.ts";
import { type Artifact, heldMs, type JobRecord, type Receipt } from "../../lib/service/jobs/index.ts";
import { outcomeOf } from "../../lib/service/quotes/index.ts";
import { VERSION } from "../../lib/shared/version.ts";
import { picturesOf, toldProvenance } from "./told-provenance.ts";

export interface Made {
  readonly record: Pick<JobRecord, "attempt" | "inputs" | "quote" | "history">;
  readonly generation: Generation;
  /** Times that the generation does not measure itself. `load` is added to the generation's own. */
  readonly seconds: Pick<Receipt["seconds"], "queue" | "load" | "write" | "upload" | "total">;
  readonly comparison: Receipt["comparison"];
  readonly video: Pick<Artifact, "bytes" | "sha256"> & { readonly encoder: Encoder };
  readonly sealed: Sealed;
  readonly provider: string;
  readonly precision: Receipt["precision"];
  readonly weights: Readonly<Record<string, string>>;
  readonly now: number;
}

/** Versions of the programs that make a video. */
export const VERSIONS = {
  adareel: VERSION,
  node: process.versions.node,
  "onnxruntime-node": createRequire(import.meta.url)("onnxruntime-node/package.json").version as string,
};

/** Builds the compute receipt of a video. */
export function receiptOf({
  record,
  generation,
  seconds,
  comparison,
  video,
  sealed,
  provider,
  precision,
  weights,
  now,
}: Made): Receipt {
  const { trace } = generation;
  const { computed, savedRatio } = savings(generation);
  const indices = (isComputed: boolean) =>
    trace.schedule.filter((step) => step.computed === isComputed).map(({ step }) => step);
  return {
    steps: {
      requested: trace.steps,
      computed,
      reused: trace.steps - computed,
      computed_indices: indices(true),
      reused_indices: indices(false),
    },
    schedule: publishedSchedule(trace),
    cache: publishedCache(trace),
    promise: promiseTold(generation),
    loras: generation.loras.map(({ lowRank, leftOut, ...told }) => ({
      ...told,
      low_rank: lowRank,
      left_out: leftOut,
    })),
    notes: [...generation.notes],
    speedup: savedRatio,
    seconds: { ...generation.seconds, ...seconds, load: seconds.load + generation.seconds.load },
    quote: quoteTold(record, { total: seconds.total, now }),
    comparison,
    prompt: {
      tokens: generation.tokens,
      is_truncated: generation.isPromptTruncated,
      is_negative_truncated: generation.isNegativePromptTruncated,
      read: generation.readPrompt,
      negative_read: generation.readNegativePrompt,
    },
    unknown_words: [...generation.unknownWords],
    pictures: picturesOf(record),
    video,
    provenance: toldProvenance(sealed),
    attempt: record.attempt,
    provider,
    precision,
    versions: VERSIONS,
    weights: { ...weights },
  };
}

function quoteTold(
  { quote, history }: Made["record"],
  { total, now }: { readonly total: number; readonly now: number },
): Receipt["quote"] {
  if (!quote) return null;
  const { basis, seconds, cost } = quote;
  const made = heldMs({ history }, now) / 1000;
  return { basis, seconds, cost, outcome: outcomeOf(quote, { total, made }) };
}

function promiseTold({ promise }: Generation): Receipt["promise"] {
  if (!promise) return null;
  const { asked, predictedDb, predictedSeconds, auditedDb, kept } = promise;
  return {
    asked,
    predicted_db: predictedDb,
    predicted_seconds: predictedSeconds,
    audited_db: auditedDb,
    kept,
  };
}
