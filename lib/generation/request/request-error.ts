/** A request that cannot be met. The message is one sentence: what is wrong, and what to do. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  /** Name in the API of the parameter at fault; null if it is unknown, as for errors of another process. */
  readonly field: string | null;

  constructor(message: string, { field, ...options }: ErrorOptions & { field?: string } = {}) {
    super(message, options);
    this.field = field ?? null;
  }
}
