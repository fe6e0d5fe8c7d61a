import { type Claims, ingredientsOf, manifestOf } from "./manifest.ts";
import type { Kind } from "./mark/mark.ts";
import { loadNative } from "./native.ts";
import { ProvenanceError } from "./provenance-error.ts";
import type { Signer } from "./signer.ts";

/** A thumbnail of an animated WebP is larger than the video. */
const SETTINGS = { builder: { thumbnail: { enabled: false } }, verify: { verify_after_sign: false } };

export interface SignOptions {
  readonly kind: Kind;
  readonly signer: Signer;
  readonly claims: Claims;
}

/**
 * Returns an MP4 or a WebP with Content Credentials, which were read back. The library hashes on threads of its own.
 * Two signatures of the same bytes always differ.
 *
 * @throws ProvenanceError in one sentence if it cannot be signed
 */
export async function signed(bytes: Uint8Array, { kind, signer, claims }: SignOptions): Promise<Uint8Array> {
  const { library, missing } = await loadNative();
  if (missing !== null) throw new ProvenanceError(missing);
  const output: { buffer: Buffer | null } = { buffer: null };
  let state: string | undefined;
  try {
    const builder = library.Builder.withJson(manifestOf(claims), SETTINGS);
    for (const ingredient of ingredientsOf(claims)) await builder.addIngredient(JSON.stringify(ingredient));
    const input = { buffer: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), mimeType: kind };
    await builder.signAsync(signer.callback(library.CallbackSigner), input, output);
    const reader = await library.Reader.fromAsset({ buffer: output.buffer!, mimeType: kind });
    state = reader?.json().validation_state;
  } catch (cause) {
    throw new ProvenanceError(`Signing failed: ${(cause as Error).message}.`, { cause });
  }
  if (state !== "Valid" && state !== "Trusted") {
    throw new ProvenanceError("Signing failed: the signature does not hold when it is read back.");
  }
  return output.buffer!;
}
