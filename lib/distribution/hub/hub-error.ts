/** A model that the Hugging Face hub does not give, or gives as nothing Adareel reads; the message is one sentence. */
export class HubError extends Error {
  override readonly name = "HubError";
}
