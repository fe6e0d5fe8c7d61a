import { createHash } from "node:crypto";
import { type Claims, ofText } from "./manifest.ts";
import { type Kind, kindOf, marked } from "./mark/mark.ts";
import { loadNative } from "./native.ts";
import { ProvenanceError } from "./provenance-error.ts";
import { signed } from "./sign.ts";
import type { Signer } from "./signer.ts";
import { sourceOf } from "./source.ts";

/**
 * Choices of a deployment: videos are marked and signed where that is possible (`signed`), or a video that cannot be
 * signed fails (`required`), or they are marked alone (`mark`), or left as the encoder wrote them (`off`).
 */
export const PROVENANCE_MODES = ["signed", "required", "mark", "off"] as const;

export type ProvenanceMode = (typeof PROVENANCE_MODES)[number];

/** Choice and signer by which a program marks and signs its videos. */
export interface Provenance {
  readonly mode: ProvenanceMode;
  /** Null if nothing is signed. */
  readonly signer: Signer | null;
  /** Sentence that says why nothing is signed although it should be; null otherwise. */
  readonly note: string | null;
}

/** Mark and signature that a video got, for its receipt. */
export interface Sealed {
  readonly kind: "c2pa" | "mark" | "none";
  /** Name in the certificate; null without a signature. */
  readonly signer: string | null;
  /** True if the deployment made the certificate for itself, so that nobody vouches for the name. */
  readonly isDevelopment: boolean;
  /** SHA-256 of the file before it was signed. */
  readonly unsignedSha256: string;
  /** Sentence that says why there is no signature although there should be one; null otherwise. */
  readonly note: string | null;
}

/** Picture of one pixel, by which a certificate is tried before there is a video. */
const SAMPLE = Buffer.from("UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vuUAAA=", "base64");

/**
 * Returns how a program marks and signs its videos. Where it signs, the certificate has signed a sample.
 *
 * @param signer makes the signer; called only where videos are signed
 * @throws ProvenanceError if the certificate cannot sign, or signatures are required and the library is missing
 */
export async function openProvenance(
  mode: ProvenanceMode,
  signer: () => Promise<Signer>,
): Promise<Provenance> {
  if (mode === "mark" || mode === "off") return { mode, signer: null, note: null };
  const opened = await signer();
  const { missing } = await loadNative();
  if (missing !== null) {
    if (mode === "required") throw new ProvenanceError(missing);
    return { mode, signer: null, note: missing };
  }
  await signed(SAMPLE, { kind: "image/webp", signer: opened, claims: { receipt: {}, pictures: {} } });
  return { mode, signer: opened, note: null };
}

export interface SealOptions {
  readonly provenance: Provenance;
  readonly model: string;
  readonly claims: Claims;
}

/**
 * Marks and signs a video as the deployment wants it. A video that cannot be signed keeps its mark, with a note.
 *
 * @throws ProvenanceError if signatures are required and the video cannot be signed
 */
export async function seal(
  bytes: Uint8Array,
  { provenance, model, claims }: SealOptions,
): Promise<Sealed & { readonly bytes: Uint8Array }> {
  const { mode, signer, note } = provenance;
  const unsigned = mode === "off" ? bytes : await marked(bytes, { model });
  const unsignedSha256 = createHash("sha256").update(unsigned).digest("hex");
  const none = { bytes: unsigned, signer: null, isDevelopment: false, unsignedSha256 };
  if (mode === "off") return { ...none, kind: "none", note };
  if (!signer) return { ...none, kind: "mark", note };
  const receipt = ofText({ ...claims.receipt, unsigned_sha256: unsignedSha256 }) as Claims["receipt"];
  const kind = (await kindOf(sourceOf(unsigned))) as Kind;
  try {
    const whole = await signed(unsigned, { kind, signer, claims: { ...claims, receipt } });
    const { name, isDevelopment } = signer;
    return { bytes: whole, kind: "c2pa", signer: name, isDevelopment, unsignedSha256, note };
  } catch (error) {
    if (mode === "required" || !(error instanceof ProvenanceError)) throw error;
    return { ...none, kind: "mark", note: error.message };
  }
}
