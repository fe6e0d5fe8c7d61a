/** Runs a measurement `count` times, one after the other. */
export async function times<T>(count: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let index = 0; index < count; index++) results.push(await work());
  return results;
}

/** Prints progress to stderr. */
export function say(what: string): void {
  process.stderr.write(`${what}\n`);
}
