/** An error in one line for a log, with what it was caused by. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own} <- ${reasonOf(error.cause)}`;
}
