/** The request cannot be met as it was made; the message is one sentence: what is wrong, and what to do. */
export class RequestError extends Error {
  override readonly name = "RequestError";
}
