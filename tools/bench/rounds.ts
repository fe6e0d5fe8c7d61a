/** Measurements one after another. */
export async function times<T>(count: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let index = 0; index < count; index++) results.push(await work());
  return results;
}

/** Tells whoever waits what is being measured. */
export function say(what: string): void {
  process.stderr.write(`${what}\n`);
}
