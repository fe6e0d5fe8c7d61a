/** Formats an error and its causes as one line for a log. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own} <- ${reasonOf(error.cause)}`;
}
