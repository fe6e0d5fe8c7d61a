/** Error of a secret that cannot be read, created or opened. The message is one sentence and reveals nothing secret. */
export class SecretError extends Error {
  override readonly name = "SecretError";
}
