/** A model cannot be stored; the message is one sentence. */
export class ModelStoreError extends Error {
  override readonly name = "ModelStoreError";
}
