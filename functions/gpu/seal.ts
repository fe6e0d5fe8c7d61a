import type { Generation } from "../../lib/generation/pipeline/index.ts";
import {
  claimsOf,
  marked,
  type Provenance,
  ProvenanceError,
  type Sealed,
  seal,
} from "../../lib/generation/provenance/index.ts";
import type { JobRecord, Receipt } from "../../lib/service/jobs/index.ts";
import { JobFailure } from "./failure.ts";
import { VERSIONS } from "./receipt.ts";
import { picturesOf } from "./told-provenance.ts";
import type { Output } from "./upload.ts";

/** Outputs of a job as the encoders wrote them. */
export interface Encoded {
  readonly video: Output;
  readonly thumbnail: Output;
  readonly uncached: Output | null;
}

export interface SealOptions {
  readonly record: Pick<JobRecord, "inputs">;
  readonly provenance: Provenance;
  readonly provider: string;
  readonly precision: Receipt["precision"];
  readonly weights: Readonly<Record<string, string>>;
}

/**
 * Marks and signs the videos of a job, and marks its poster, as the deployment wants it.
 *
 * @throws JobFailure if signatures are required and a video cannot be signed
 */
export async function sealOutputs<E extends Encoded>(
  encoded: E,
  { generation, uncached }: { readonly generation: Generation; readonly uncached: Generation | null },
  options: SealOptions,
): Promise<E & { readonly sealed: Sealed }> {
  const { provenance } = options;
  const { bytes, ...sealed } = await sealVideo(encoded.video, generation, options);
  const poster = encoded.thumbnail.body;
  return {
    ...encoded,
    video: { ...encoded.video, body: bytes },
    thumbnail: {
      ...encoded.thumbnail,
      body: provenance.mode === "off" ? poster : await marked(poster, generation.trace),
    },
    uncached: encoded.uncached && {
      ...encoded.uncached,
      body: (await sealVideo(encoded.uncached, uncached!, options)).bytes,
    },
    sealed,
  };
}

async function sealVideo(
  { body }: Output,
  generation: Generation,
  { record, provenance, provider, precision = "float32", weights }: SealOptions,
) {
  const { model } = generation.trace;
  const claims = claimsOf(generation, {
    provider,
    precision,
    weights,
    versions: VERSIONS,
    pictures: picturesOf(record),
  });
  return seal(body, { provenance, model, claims }).catch((cause: unknown) => {
    if (!(cause instanceof ProvenanceError)) throw cause;
    const message = "The video could not be signed, and this deployment stores no video without a signature.";
    throw new JobFailure("signing_failed", message, { cause, isRetryable: false });
  });
}
