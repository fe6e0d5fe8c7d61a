/** A generation that was stopped because its caller asked for it. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";

  constructor() {
    super("The generation was cancelled.");
  }
}

/** What is known of a generation's end besides its message. */
export type GenerationFault =
  /** The model's numbers are no picture. */
  | "invalid_output"
  /** The process was killed from outside, most likely because the memory ran out. */
  | "killed";

/** The model or the process that runs it failed; the message is one sentence. */
export class GenerationError extends Error {
  override readonly name = "GenerationError";
  /** Null for everything that callers need not tell apart. */
  readonly fault: GenerationFault | null;

  constructor(
    message: string,
    { fault, ...options }: ErrorOptions & { fault?: GenerationFault | null } = {},
  ) {
    super(message, options);
    this.fault = fault ?? null;
  }
}
