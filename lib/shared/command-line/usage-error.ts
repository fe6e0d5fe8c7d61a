/** Error of an invalid command line. The message is one sentence: what is wrong, and what to write instead. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
