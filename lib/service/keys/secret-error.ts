/** A secret cannot be had: the message is one sentence and holds nothing secret. */
export class SecretError extends Error {
  override readonly name = "SecretError";
}
