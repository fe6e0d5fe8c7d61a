/** Returns a number of things in words, such as `1 frame` or `3 frames`. */
export function counted(count: number, thing: string): string {
  return `${count} ${count === 1 ? thing : `${thing}s`}`;
}
