/** Error for a model that cannot be stored or downloaded. The message is one sentence. */
export class ModelStoreError extends Error {
  override readonly name = "ModelStoreError";
}
