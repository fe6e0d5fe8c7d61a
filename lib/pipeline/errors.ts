/** A generation that was stopped because its caller asked for it. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";

  constructor() {
    super("The generation was cancelled.");
  }
}

/** The model or the process that runs it failed; the message is one sentence. */
export class GenerationError extends Error {
  override readonly name = "GenerationError";
}
