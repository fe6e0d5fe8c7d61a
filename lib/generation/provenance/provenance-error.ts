/** Error of a certificate, of a key, or of signing. The message is one sentence. */
export class ProvenanceError extends Error {
  override readonly name = "ProvenanceError";
}
