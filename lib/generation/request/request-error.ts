/** A request cannot be met as it was made. The message is one sentence: what is wrong, and what to do. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  /** The parameter at fault, as the API calls it; null where it is not known, as in another process. */
  readonly field: string | null;

  constructor(message: string, { field, ...options }: ErrorOptions & { field?: string } = {}) {
    super(message, options);
    this.field = field ?? null;
  }
}
