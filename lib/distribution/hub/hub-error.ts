/**
 * Error for a model that the Hugging Face hub does not serve, or that Adareel cannot read. The message is one
 * sentence.
 */
export class HubError extends Error {
  override readonly name = "HubError";
}
